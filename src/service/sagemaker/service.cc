#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/sagemaker/endpoint_machine.h"
#include "service/sagemaker/endpoint_run.h"
#include "service/sagemaker/job_kind.h"
#include "service/sagemaker/processing_machine.h"
#include "service/sagemaker/processing_run.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/training_machine.h"
#include "service/sagemaker/training_run.h"
#include "service/sagemaker/transform_machine.h"
#include "service/sagemaker/transform_run.h"
#include "service/sagemaker/tuning_machine.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::string_view kProcessingArn =
    "arn:aws:sagemaker:{region}:{account}:processing-job/{ProcessingJobName}";

constexpr std::string_view kTrainingJobArn =
    "arn:aws:sagemaker:{region}:{account}:training-job/{TrainingJobName}";

constexpr std::string_view kModel = "arn:aws:sagemaker:{region}:{account}:model/{ModelName}";
constexpr std::string_view kTransformJobArn =
    "arn:aws:sagemaker:{region}:{account}:transform-job/{TransformJobName}";
constexpr std::string_view kEndpointConfig =
    "arn:aws:sagemaker:{region}:{account}:endpoint-config/{EndpointConfigName}";
constexpr std::string_view kEndpoint =
    "arn:aws:sagemaker:{region}:{account}:endpoint/{EndpointName}";

constexpr std::string_view kTuningJobArn =
    "arn:aws:sagemaker:{region}:{account}:hyper-parameter-tuning-job/"
    "{HyperParameterTuningJobName}";

constexpr Operation kOperations[] = {
    {.name = "CreateProcessingJob",
     .handler = CreateProcessingJob,
     .action = "sagemaker:CreateProcessingJob",
     .resource = kProcessingArn,
     .keeps = "ExperimentConfig,NetworkConfig.VpcConfig"},
    {.name = "DescribeProcessingJob",
     .handler = DescribeProcessingJob,
     .action = "sagemaker:DescribeProcessingJob",
     .resource = kProcessingArn,
     .access = Access::kRead},
    {.name = "DescribeProcessingJobContainer",
     .handler = DescribeProcessingJobContainer,
     .action = "sagemaker:DescribeProcessingJob",
     .resource = kProcessingArn,
     .access = Access::kRead},
    {.name = "ListProcessingJobs",
     .handler = ListProcessingJobs,
     .action = "sagemaker:ListProcessingJobs",
     .access = Access::kList},
    {.name = "StopProcessingJob",
     .handler = StopProcessingJob,
     .action = "sagemaker:StopProcessingJob",
     .resource = kProcessingArn},
    {.name = "CreateTrainingJob",
     .handler = CreateTrainingJob,
     .action = "sagemaker:CreateTrainingJob",
     .resource = kTrainingJobArn,
     .keeps = "VpcConfig,DebugHookConfig,DebugRuleConfigurations,ProfilerConfig,"
              "ProfilerRuleConfigurations,TensorBoardOutputConfig,ExperimentConfig,RetryStrategy,"
              "InfraCheckConfig,AlgorithmSpecification.EnableSageMakerMetricsTimeSeries,"
              "ResourceConfig.KeepAlivePeriodInSeconds,"
              "StoppingCondition.MaxPendingTimeInSeconds"},
    {.name = "DescribeTrainingJob",
     .handler = DescribeTrainingJob,
     .action = "sagemaker:DescribeTrainingJob",
     .resource = kTrainingJobArn,
     .access = Access::kRead},
    {.name = "ListTrainingJobs",
     .handler = ListTrainingJobs,
     .action = "sagemaker:ListTrainingJobs",
     .access = Access::kList},
    {.name = "StopTrainingJob",
     .handler = StopTrainingJob,
     .action = "sagemaker:StopTrainingJob",
     .resource = kTrainingJobArn},
    {.name = "Search", .handler = Search, .action = "sagemaker:Search", .access = Access::kRead},
    {.name = "CreateModel",
     .handler = CreateModel,
     .action = "sagemaker:CreateModel",
     .resource = kModel,
     .keeps = "VpcConfig,InferenceExecutionConfig,PrimaryContainer.ContainerHostname"},
    {.name = "DescribeModel",
     .handler = DescribeModel,
     .action = "sagemaker:DescribeModel",
     .resource = kModel,
     .access = Access::kRead},
    {.name = "DeleteModel",
     .handler = DeleteModel,
     .action = "sagemaker:DeleteModel",
     .resource = kModel},
    {.name = "ListModels",
     .handler = ListModels,
     .action = "sagemaker:ListModels",
     .access = Access::kList},
    {.name = "CreateTransformJob",
     .handler = CreateTransformJob,
     .action = "sagemaker:CreateTransformJob",
     .resource = kTransformJobArn,
     .keeps = "ExperimentConfig,ModelClientConfig.InvocationsMaxRetries"},
    {.name = "DescribeTransformJob",
     .handler = DescribeTransformJob,
     .action = "sagemaker:DescribeTransformJob",
     .resource = kTransformJobArn,
     .access = Access::kRead},
    {.name = "ListTransformJobs",
     .handler = ListTransformJobs,
     .action = "sagemaker:ListTransformJobs",
     .access = Access::kList},
    {.name = "StopTransformJob",
     .handler = StopTransformJob,
     .action = "sagemaker:StopTransformJob",
     .resource = kTransformJobArn},
    {.name = "CreateEndpointConfig",
     .handler = CreateEndpointConfig,
     .action = "sagemaker:CreateEndpointConfig",
     .resource = kEndpointConfig,
     .keeps = "ProductionVariants.VolumeSizeInGB,ProductionVariants."
              "ModelDataDownloadTimeoutInSeconds,ProductionVariants.RoutingConfig,"
              "ProductionVariants.ContainerStartupHealthCheckTimeoutInSeconds,VpcConfig"},
    {.name = "DescribeEndpointConfig",
     .handler = DescribeEndpointConfig,
     .action = "sagemaker:DescribeEndpointConfig",
     .resource = kEndpointConfig,
     .access = Access::kRead},
    {.name = "DeleteEndpointConfig",
     .handler = DeleteEndpointConfig,
     .action = "sagemaker:DeleteEndpointConfig",
     .resource = kEndpointConfig},
    {.name = "ListEndpointConfigs",
     .handler = ListEndpointConfigs,
     .action = "sagemaker:ListEndpointConfigs",
     .access = Access::kList},
    {.name = "CreateEndpoint",
     .handler = CreateEndpoint,
     .action = "sagemaker:CreateEndpoint",
     .resource = kEndpoint,
     .keeps = "DeploymentConfig"},
    {.name = "DescribeEndpoint",
     .handler = DescribeEndpoint,
     .action = "sagemaker:DescribeEndpoint",
     .resource = kEndpoint,
     .access = Access::kRead},
    {.name = "UpdateEndpoint",
     .handler = UpdateEndpoint,
     .action = "sagemaker:UpdateEndpoint",
     .resource = kEndpoint,
     .keeps = "DeploymentConfig,RetainAllVariantProperties,ExcludeRetainedVariantProperties,"
              "RetainDeploymentConfig"},
    {.name = "DeleteEndpoint",
     .handler = DeleteEndpoint,
     .action = "sagemaker:DeleteEndpoint",
     .resource = kEndpoint},
    {.name = "ListEndpoints",
     .handler = ListEndpoints,
     .action = "sagemaker:ListEndpoints",
     .access = Access::kList},
    {.name = "CreateHyperParameterTuningJob",
     .handler = CreateHyperParameterTuningJob,
     .action = "sagemaker:CreateHyperParameterTuningJob",
     .resource = kTuningJobArn,
     .keeps = "TrainingJobDefinition.DefinitionName,TrainingJobDefinition.RetryStrategy,"
              "TrainingJobDefinition.VpcConfig"},
    {.name = "DescribeHyperParameterTuningJob",
     .handler = DescribeHyperParameterTuningJob,
     .action = "sagemaker:DescribeHyperParameterTuningJob",
     .resource = kTuningJobArn,
     .access = Access::kRead},
    {.name = "ListHyperParameterTuningJobs",
     .handler = ListHyperParameterTuningJobs,
     .action = "sagemaker:ListHyperParameterTuningJobs",
     .access = Access::kList},
    {.name = "ListTrainingJobsForHyperParameterTuningJob",
     .handler = ListTrainingJobsForHyperParameterTuningJob,
     .action = "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
     .resource = kTuningJobArn,
     .access = Access::kList},
    {.name = "StopHyperParameterTuningJob",
     .handler = StopHyperParameterTuningJob,
     .action = "sagemaker:StopHyperParameterTuningJob",
     .resource = kTuningJobArn},
    {.name = "DeleteTags",
     .handler = DeleteTags,
     .action = "sagemaker:DeleteTags",
     .resource = "{ResourceArn}"},
    {.name = "AddTags",
     .handler = AddTags,
     .action = "sagemaker:AddTags",
     .resource = "{ResourceArn}"},
    {.name = "ListTags",
     .handler = ListTags,
     .action = "sagemaker:ListTags",
     .resource = "{ResourceArn}",
     .access = Access::kList},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kProcessingJob.machine), JsonMachine(AdvanceProcessing));
  AddPerformers(ports);
  ports.engine.AddMachine(std::string(kTrainingJob.machine), JsonMachine(AdvanceTraining));
  AddTrainingPerformers(ports);
  ports.engine.AddMachine(std::string(kTransformJob.machine), JsonMachine(AdvanceTransform));
  AddTransformPerformers(ports);
  ports.engine.AddMachine(kEndpointMachine, JsonMachine(AdvanceEndpoint));
  AddEndpointPerformers(ports);
  ports.engine.AddMachine(std::string(kTuningJob.machine), JsonMachine(AdvanceTuning));
}

}  // namespace

const Service kService{.name = "sagemaker",
                       .host = "sagemaker.amazonaws.com",
                       .model = &models::kSagemaker,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::sagemaker
