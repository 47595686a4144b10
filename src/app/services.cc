#include "app/services.h"

#include "service/batch/batch.h"
#include "service/cloudformation/cloudformation.h"
#include "service/cloudwatch/cloudwatch.h"
#include "service/codebuild/codebuild.h"
#include "service/codecommit/codecommit.h"
#include "service/codeconnections/codeconnections.h"
#include "service/codepipeline/codepipeline.h"
#include "service/dynamodb/dynamodb.h"
#include "service/ecr/ecr.h"
#include "service/ecs/ecs.h"
#include "service/events/events.h"
#include "service/glue/glue.h"
#include "service/iam/iam.h"
#include "service/lambda/lambda.h"
#include "service/logs/logs.h"
#include "service/s3/s3.h"
#include "service/sagemaker/sagemaker.h"
#include "service/secretsmanager/secretsmanager.h"
#include "service/sns/sns.h"
#include "service/sqs/sqs.h"
#include "service/ssm/ssm.h"
#include "service/states/states.h"
#include "service/sts/sts.h"
#include "service/workflows/workflows.h"

namespace stepmill {

std::vector<const Service*> AllServices() {
  return {
      &batch::kService,
      &cloudformation::kService,
      &cloudwatch::kService,
      &codebuild::kService,
      &codecommit::kService,
      &codeconnections::kService,
      &codeconnections::kOlderService,
      &codepipeline::kService,
      &dynamodb::kService,
      &ecr::kService,
      &ecs::kService,
      &events::kService,
      &glue::kService,
      &iam::kService,
      &lambda::kService,
      &logs::kService,
      &s3::kService,
      &sagemaker::kService,
      &sagemaker::kRuntime,
      &secretsmanager::kService,
      &sns::kService,
      &sqs::kService,
      &ssm::kService,
      &states::kService,
      &sts::kService,
      &workflows::kService,
  };
}

}  // namespace stepmill
