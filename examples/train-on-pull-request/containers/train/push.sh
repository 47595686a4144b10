# Sourced by the build: makes the training image, pushes it to ECR and says its name in TRAIN_IMAGE.
ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
REGISTRY=$ACCOUNT.dkr.ecr.$AWS_DEFAULT_REGION.amazonaws.com
TRAIN_IMAGE=$REGISTRY/taxi-train:$CODEBUILD_BUILD_NUMBER
aws ecr create-repository --repository-name taxi-train > /dev/null 2>&1 || echo "the repository is there already"
aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY &&
  docker build -t $TRAIN_IMAGE containers/train &&
  docker push $TRAIN_IMAGE
