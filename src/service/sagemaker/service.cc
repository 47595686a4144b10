#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/sagemaker/endpoint_machine.h"
#include "service/sagemaker/endpoint_run.h"
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

constexpr std::string_view kJob =
    "arn:aws:sagemaker:{region}:{account}:processing-job/{ProcessingJobName}";

constexpr std::string_view kTrainingJob =
    "arn:aws:sagemaker:{region}:{account}:training-job/{TrainingJobName}";

constexpr std::string_view kModel = "arn:aws:sagemaker:{region}:{account}:model/{ModelName}";
constexpr std::string_view kTransformJob =
    "arn:aws:sagemaker:{region}:{account}:transform-job/{TransformJobName}";
constexpr std::string_view kEndpointConfig =
    "arn:aws:sagemaker:{region}:{account}:endpoint-config/{EndpointConfigName}";
constexpr std::string_view kEndpoint =
    "arn:aws:sagemaker:{region}:{account}:endpoint/{EndpointName}";

constexpr std::string_view kTuningJob =
    "arn:aws:sagemaker:{region}:{account}:hyper-parameter-tuning-job/"
    "{HyperParameterTuningJobName}";

constexpr Operation kOperations[] = {
    {.name = "CreateProcessingJob",
     .handler = CreateProcessingJob,
     .action = "sagemaker:CreateProcessingJob",
     .resource = kJob,
     .keeps = "ExperimentConfig,NetworkConfig.VpcConfig"},
    {.name = "DescribeProcessingJob",
     .handler = DescribeProcessingJob,
     .action = "sagemaker:DescribeProcessingJob",
     .resource = kJob,
     .access = Access::kRead},
    {.name = "DescribeProcessingJobContainer",
     .handler = DescribeProcessingJobContainer,
     .action = "sagemaker:DescribeProcessingJob",
     .resource = kJob,
     .access = Access::kRead},
    {.name = "ListProcessingJobs",
     .handler = ListProcessingJobs,
     .action = "sagemaker:ListProcessingJobs",
     .access = Access::kList},
    {.name = "StopProcessingJob",
     .handler = StopProcessingJob,
     .action = "sagemaker:StopProcessingJob",
     .resource = kJob},
    {.name = "CreateTrainingJob",
     .handler = CreateTrainingJob,
     .action = "sagemaker:CreateTrainingJob",
     .resource = kTrainingJob,
     .keeps = "VpcConfig,DebugHookConfig,DebugRuleConfigurations,ProfilerConfig,"
              "ProfilerRuleConfigurations,TensorBoardOutputConfig,ExperimentConfig,RetryStrategy,"
              "InfraCheckConfig,AlgorithmSpecification.EnableSageMakerMetricsTimeSeries,"
              "ResourceConfig.KeepAlivePeriodInSeconds,InputDataConfig.ShuffleConfig,"
              "StoppingCondition.MaxPendingTimeInSeconds"},
    {.name = "DescribeTrainingJob",
     .handler = DescribeTrainingJob,
     .action = "sagemaker:DescribeTrainingJob",
     .resource = kTrainingJob,
     .access = Access::kRead},
    {.name = "ListTrainingJobs",
     .handler = ListTrainingJobs,
     .action = "sagemaker:ListTrainingJobs",
     .access = Access::kList},
    {.name = "StopTrainingJob",
     .handler = StopTrainingJob,
     .action = "sagemaker:StopTrainingJob",
     .resource = kTrainingJob},
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
     .resource = kTransformJob,
     .keeps = "ExperimentConfig,ModelClientConfig.InvocationsMaxRetries"},
    {.name = "DescribeTransformJob",
     .handler = DescribeTransformJob,
     .action = "sagemaker:DescribeTransformJob",
     .resource = kTransformJob,
     .access = Access::kRead},
    {.name = "ListTransformJobs",
     .handler = ListTransformJobs,
     .action = "sagemaker:ListTransformJobs",
     .access = Access::kList},
    {.name = "StopTransformJob",
     .handler = StopTransformJob,
     .action = "sagemaker:StopTransformJob",
     .resource = kTransformJob},
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
     .resource = kTuningJob,
     .keeps = "TrainingJobDefinition.DefinitionName,TrainingJobDefinition.RetryStrategy,"
              "TrainingJobDefinition.VpcConfig"},
    {.name = "DescribeHyperParameterTuningJob",
     .handler = DescribeHyperParameterTuningJob,
     .action = "sagemaker:DescribeHyperParameterTuningJob",
     .resource = kTuningJob,
     .access = Access::kRead},
    {.name = "ListHyperParameterTuningJobs",
     .handler = ListHyperParameterTuningJobs,
     .action = "sagemaker:ListHyperParameterTuningJobs",
     .access = Access::kList},
    {.name = "ListTrainingJobsForHyperParameterTuningJob",
     .handler = ListTrainingJobsForHyperParameterTuningJob,
     .action = "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
     .resource = kTuningJob,
     .access = Access::kList},
    {.name = "StopHyperParameterTuningJob",
     .handler = StopHyperParameterTuningJob,
     .action = "sagemaker:StopHyperParameterTuningJob",
     .resource = kTuningJob},
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
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceProcessing));
  AddPerformers(ports);
  ports.engine.AddMachine(kTrainingMachine, JsonMachine(AdvanceTraining));
  AddTrainingPerformers(ports);
  ports.engine.AddMachine(kTransformMachine, JsonMachine(AdvanceTransform));
  AddTransformPerformers(ports);
  ports.engine.AddMachine(kEndpointMachine, JsonMachine(AdvanceEndpoint));
  AddEndpointPerformers(ports);
  ports.engine.AddMachine(kTuningMachine, JsonMachine(AdvanceTuning));
}

}  // namespace

const Service kService{.name = "sagemaker",
                       .host = "sagemaker.amazonaws.com",
                       .model = &models::kSagemaker,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::sagemaker
