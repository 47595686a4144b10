#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/sagemaker/processing_machine.h"
#include "service/sagemaker/processing_run.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/training_machine.h"
#include "service/sagemaker/training_run.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::string_view kJob =
    "arn:aws:sagemaker:{region}:{account}:processing-job/{ProcessingJobName}";

constexpr std::string_view kTrainingJob =
    "arn:aws:sagemaker:{region}:{account}:training-job/{TrainingJobName}";

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
}

}  // namespace

const Service kService{.name = "sagemaker",
                       .host = "sagemaker.amazonaws.com",
                       .model = &models::kSagemaker,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::sagemaker
