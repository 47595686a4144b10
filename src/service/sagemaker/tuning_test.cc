#include <cmath>
#include <set>

#include "app/test_jobs.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/tuning_search.h"

namespace stepmill::sagemaker {
namespace {

using test::Parsed;

Json Config(const char* strategy) {
  return Parsed(R"({"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
    "ResourceLimits": {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2},
    "RandomSeed": 7,
    "ParameterRanges": {"ContinuousParameterRanges":
      [{"Name": "eta", "MinValue": "0", "MaxValue": "1"}],
     "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "9"}]}})")
      .With("Strategy", strategy);
}

std::vector<Trial> Search(const Json& config, int count, uint64_t seed) {
  std::vector<Trial> trials;
  for (int i = 0; i < count; ++i) {
    Trial trial{NextParameters(config, config["ParameterRanges"], trials, seed, i), std::nullopt};
    const double eta = std::stod(trial.parameters.StringOr("eta", "0"));
    trial.objective = (eta - 0.3) * (eta - 0.3);
    trials.push_back(std::move(trial));
  }
  return trials;
}

TEST(TuningSearch, RandomStaysInItsRangesAndRepeats) {
  std::set<std::string> depths;
  const auto trials = Search(Config("Random"), 60, 7);
  for (const Trial& trial : trials) {
    const double eta = std::stod(trial.parameters.StringOr("eta", "-1"));
    EXPECT_TRUE(eta >= 0 && eta <= 1);
    depths.insert(trial.parameters.StringOr("depth", ""));
  }
  EXPECT_EQ(depths.size(), 9u);
  EXPECT_EQ(Search(Config("Random"), 60, 7)[59].parameters, trials[59].parameters);
  EXPECT_FALSE(Search(Config("Random"), 60, 8)[59].parameters == trials[59].parameters);
}

TEST(TuningSearch, BayesianGoesWhereItIsGood) {
  // The later half lies nearer to the best place (0.3) than the first draws do.
  const auto trials = Search(Config("Bayesian"), 40, 3);
  double first = 0, last = 0;
  for (int i = 0; i < 5; ++i) first += *trials[static_cast<size_t>(i)].objective / 5;
  for (int i = 20; i < 40; ++i) last += *trials[static_cast<size_t>(i)].objective / 20;
  EXPECT_LT(last, first / 2);
  EXPECT_EQ(Search(Config("Bayesian"), 40, 3)[39].parameters, trials[39].parameters);
}

TEST(TuningSearch, GridAndScales) {
  const Json grid =
      Parsed(R"({"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 1}})");
  const Json ranges = Parsed(R"({"CategoricalParameterRanges": [
    {"Name": "a", "Values": ["x", "y"]}, {"Name": "b", "Values": ["1", "2", "3"]}]})");
  EXPECT_EQ(TrialsMax(grid, ranges), 6);
  std::set<std::string> seen;
  for (int i = 0; i < 6; ++i) seen.insert(NextParameters(grid, ranges, {}, 1, i).Print());
  EXPECT_EQ(seen.size(), 6u);
  const Json wide = Parsed(R"({"ContinuousParameterRanges":
    [{"Name": "l", "MinValue": "0.0001", "MaxValue": "1000", "ScalingType": "Auto"}]})");
  int small = 0;
  for (int i = 0; i < 100; ++i) {
    const Json chosen = NextParameters(Config("Random"), wide, {}, 5, i);
    small += std::stod(chosen.StringOr("l", "0")) < 1;
  }
  EXPECT_TRUE(small > 40 && small < 75) << small;  // by its logarithm four of seven parts
}

class TuningTest : public test::JobsTest {
 protected:
  TuningTest()
      : JobsTest("sagemaker", {&kService, &test::kLogs, &test::kS3},
                 [](const Json&, const Json&) { return true; }) {
    program = Loss;
    Begin();
  }
  static Json Request(const char* name, const char* strategy) {
    return Json::Object{{"HyperParameterTuningJobName", name},
                        {"HyperParameterTuningJobConfig", Config(strategy)},
                        {"TrainingJobDefinition", Parsed(R"j({
      "StaticHyperParameters": {"fixed": "1"}, "RoleArn": "arn:aws:iam::000000000000:role/r",
      "AlgorithmSpecification": {"TrainingImage": "own/image:1", "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
      "OutputDataConfig": {"S3OutputPath": "s3://out/t"},
      "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
      "StoppingCondition": {"MaxRuntimeInSeconds": 60}})j")}};
  }
  Json Finish(const char* name) {
    return JobsTest::Finish("DescribeHyperParameterTuningJob",
                            Json::Object{{"HyperParameterTuningJobName", name}},
                            "HyperParameterTuningJobStatus");
  }
  /// A training job whose loss is the distance of eta from 0.3.
  static FakeRun Loss(const JobSpec& spec) {
    const Json words =
        ParseJson(test::TextOf(spec, "/opt/ml/input/config/hyperparameters.json")).value();
    EXPECT_EQ(words.StringOr("fixed", ""), "1");
    EXPECT_EQ(words.StringOr("_tuning_objective_metric", ""), "loss");
    const double eta = std::stod(words.StringOr("eta", "0"));
    FakeRun run;
    run.output = "loss=" + std::to_string(std::abs(eta - 0.3)) + "\n";
    return run;
  }
};

TEST_F(TuningTest, RandomFindsTheBest) {
  Ask("CreateHyperParameterTuningJob", Request("tune", "Random"));
  const Json job = Finish("tune");
  EXPECT_EQ(job.StringOr("HyperParameterTuningJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(job["TrainingJobStatusCounters"].IntOr("Completed", 0), 6);
  EXPECT_EQ(job["ObjectiveStatusCounters"].IntOr("Succeeded", 0), 6);
  const Json by_value = Json::Object{{"HyperParameterTuningJobName", "tune"},
                                     {"SortBy", "FinalObjectiveMetricValue"},
                                     {"SortOrder", "Ascending"}};
  const Json list = Ask("ListTrainingJobsForHyperParameterTuningJob", by_value);
  ASSERT_EQ(list["TrainingJobSummaries"].size(), 6u);
  EXPECT_EQ(list["TrainingJobSummaries"].At(0)["TrainingJobName"],
            job["BestTrainingJob"]["TrainingJobName"]);
  EXPECT_TRUE(job["BestTrainingJob"].StringOr("TrainingJobName", "").starts_with("tune-00"));
  // The same seed, the same choices, whatever the order of the ends.
  Ask("CreateHyperParameterTuningJob", Request("again", "Random"));
  EXPECT_EQ(Finish("again")["BestTrainingJob"]["TunedHyperParameters"],
            job["BestTrainingJob"]["TunedHyperParameters"]);
}

TEST_F(TuningTest, AllFailAndStop) {
  program = [](const JobSpec&) { return Exits(1); };
  Ask("CreateHyperParameterTuningJob", Request("bad", "Bayesian"));
  const Json job = Finish("bad");
  EXPECT_EQ(job.StringOr("HyperParameterTuningJobStatus", ""), "Failed");
  EXPECT_TRUE(job.StringOr("FailureReason", "").starts_with("All training jobs failed."));
  program = [](const JobSpec&) { return Endless(); };
  Ask("CreateHyperParameterTuningJob", Request("endless", "Random"));
  const Json name = Json::Object{{"HyperParameterTuningJobName", "endless"}};
  ASSERT_TRUE(world.RunUntil([&] { return world.Run(backend.List())->size() == 2; }));
  Ask("StopHyperParameterTuningJob", name);
  EXPECT_EQ(Finish("endless").StringOr("HyperParameterTuningJobStatus", ""), "Stopped");
}

TEST_F(TuningTest, Refusals) {
  const auto refused = [&](const Json& request) {
    const auto answer = world.Ask("sagemaker", "CreateHyperParameterTuningJob", request);
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  };
  EXPECT_EQ(refused(Request("g", "Grid")),
            "ValidationException: Grid search supports only CategoricalParameterRanges");
  EXPECT_EQ(refused(Request("h", "Hyperband")),
            "ValidationException: Strategy Hyperband is not available here");
  const Json other = Config("Random").With("HyperParameterTuningJobObjective",
                                           Parsed(R"({"Type": "Maximize", "MetricName": "auc"})"));
  EXPECT_EQ(refused(Request("m", "Random").With("HyperParameterTuningJobConfig", other)),
            "ValidationException: The objective metric auc is not in MetricDefinitions");
}

}  // namespace
}  // namespace stepmill::sagemaker
