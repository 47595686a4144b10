#pragma once

#include <string>
#include <string_view>

#include "service/sagemaker/errors.h"

/// What tells the kinds of jobs apart, for what they all do alike.
namespace stepmill::sagemaker {

struct JobKind {
  std::string_view word;     ///< begins its members: ProcessingJobName, ProcessingJobStatus
  std::string_view title;    ///< in "SageMaker ... Job State Change"
  std::string_view type;     ///< of its documents and in its ARN
  std::string_view machine;  ///< of the engine
  std::string_view effects;  ///< what the names of its performers begin with
  Error (*missing)(const std::string& name);
  Error (*exists)(const std::string& name, const std::string& arn);

  std::string Member(std::string_view end) const { return std::string(word) + std::string(end); }
};

inline constexpr JobKind kProcessingJob{
    "Processing", "Processing", "processing-job", "sagemaker.processing",
    "sagemaker.", JobNotFound,  JobExists};
inline constexpr JobKind kTrainingJob{"Training",
                                      "Training",
                                      "training-job",
                                      "sagemaker.training",
                                      "sagemaker.training.",
                                      TrainingJobMissing,
                                      TrainingJobExists};
inline constexpr JobKind kTransformJob{
    "Transform", "Transform", "transform-job", "sagemaker.transform", "sagemaker.transform.",
    JobNotFound, JobExists};
inline constexpr JobKind kTuningJob{"HyperParameterTuning",
                                    "HyperParameter Tuning",
                                    "hyper-parameter-tuning-job",
                                    "sagemaker.tuning",
                                    "door",
                                    TuningJobMissing,
                                    TuningJobExists};

}  // namespace stepmill::sagemaker
