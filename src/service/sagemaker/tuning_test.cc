#include <cmath>
#include <map>
#include <set>

#include "app/test_jobs.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/tuning_search.h"
#include "service/sagemaker/tuning_stop.h"

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
            "ValidationException: MaxResource of HyperbandStrategyConfig must be specified: it "
            "cannot be inferred from the static hyperparameters epochs, numepochs, n-epochs, "
            "n_epochs or num_epochs");
  const auto with = [&](const char* strategy, const char* member, const char* value) {
    return Request("w", strategy)
        .With("HyperParameterTuningJobConfig", Config(strategy).With(member, Parsed(value)));
  };
  EXPECT_EQ(refused(with("Random", "StrategyConfig", "{}")),
            "ValidationException: StrategyConfig can be provided only if Hyperband is selected as "
            "the strategy");
  EXPECT_EQ(refused(with("Hyperband", "StrategyConfig",
                         R"({"HyperbandStrategyConfig": {"MinResource": 5, "MaxResource": 4}})")),
            "ValidationException: MinResource of HyperbandStrategyConfig must not be larger than "
            "MaxResource");
  EXPECT_EQ(refused(with("Hyperband", "TrainingJobEarlyStoppingType", R"("Auto")")),
            "ValidationException: TrainingJobEarlyStoppingType must be Off to use the Hyperband "
            "strategy");
  const Json other = Config("Random").With("HyperParameterTuningJobObjective",
                                           Parsed(R"({"Type": "Maximize", "MetricName": "auc"})"));
  EXPECT_EQ(refused(Request("m", "Random").With("HyperParameterTuningJobConfig", other)),
            "ValidationException: The objective metric auc is not in MetricDefinitions");
}

/// A training job that reports nine epochs, ever better, and goes on until it is stopped.
FakeRun NineEpochs(const JobSpec& spec) {
  const Json words =
      ParseJson(test::TextOf(spec, "/opt/ml/input/config/hyperparameters.json")).value();
  FakeRun run;
  run.is_endless = true;
  for (int epoch = 1; epoch <= 9; ++epoch) {
    const double loss = std::abs(std::stod(words.StringOr("eta", "0")) - 0.3) + 1.0 / epoch;
    run.output += "loss=" + std::to_string(loss) + "\n";
  }
  return run;
}

TEST_F(TuningTest, HyperbandEndsTrainingJobs) {
  program = NineEpochs;
  const Json config =
      Config("Hyperband")
          .With("StrategyConfig",
                Parsed(R"({"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}})"));
  const auto run = [&](const char* name) {
    Ask("CreateHyperParameterTuningJob",
        Request(name, "Hyperband").With("HyperParameterTuningJobConfig", config));
    return Finish(name);
  };
  const Json job = run("band");
  EXPECT_EQ(job.StringOr("HyperParameterTuningJobStatus", ""), "Completed") << job.Print();
  EXPECT_EQ(job["TrainingJobStatusCounters"].IntOr("Stopped", 0), 6) << job.Print();
  EXPECT_EQ(job["ObjectiveStatusCounters"].IntOr("Succeeded", 0), 6);
  const Json training =
      Ask("DescribeTrainingJob",
          Json::Object{{"TrainingJobName", job["BestTrainingJob"]["TrainingJobName"]}});
  EXPECT_EQ(training.StringOr("TuningJobArn", ""),
            "arn:aws:sagemaker:us-east-1:000000000000:hyper-parameter-tuning-job/band");
  EXPECT_EQ(run("band2")["BestTrainingJob"]["TunedHyperParameters"],
            job["BestTrainingJob"]["TunedHyperParameters"]);
}

TEST_F(TuningTest, SeveralDefinitions) {
  Json request = Request("several", "Random");
  const Json config = Config("Random");
  Json::Array definitions;
  for (const char* name : {"first", "second"}) {
    definitions.push_back(request["TrainingJobDefinition"]
                              .With("DefinitionName", name)
                              .With("TuningObjective", config["HyperParameterTuningJobObjective"])
                              .With("HyperParameterRanges", config["ParameterRanges"]));
  }
  request =
      request.Without("TrainingJobDefinition")
          .With("TrainingJobDefinitions", definitions)
          .With("HyperParameterTuningJobConfig",
                config.Without("HyperParameterTuningJobObjective").Without("ParameterRanges"));
  Ask("CreateHyperParameterTuningJob", request);
  const Json job = Finish("several");
  EXPECT_EQ(job["TrainingJobStatusCounters"].IntOr("Completed", 0), 6) << job.Print();
  const Json list = Ask("ListTrainingJobsForHyperParameterTuningJob",
                        Json::Object{{"HyperParameterTuningJobName", "several"}});
  std::map<std::string, int> counts;
  std::set<std::string> words;
  for (const Json& one : ItemsOf(list["TrainingJobSummaries"])) {
    ++counts[one.StringOr("TrainingJobDefinitionName", "")];
    words.insert(one["TunedHyperParameters"].Print());
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"first", 3}, {"second", 3}}));
  EXPECT_EQ(words.size(), 6u);
  EXPECT_EQ(
      Refused("CreateHyperParameterTuningJob",
              request.With("HyperParameterTuningJobName", "both")
                  .With("TrainingJobDefinition", Request("x", "Random")["TrainingJobDefinition"])),
      "ValidationException: Either TrainingJobDefinition or TrainingJobDefinitions can be "
      "specified");
}

TEST_F(TuningTest, EndsWhenNothingGetsBetter) {
  program = [](const JobSpec&) {
    FakeRun run;
    run.output = "loss=1\n";
    return run;
  };
  const Json config =
      Config("Random")
          .With("ResourceLimits",
                Parsed(R"({"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 1})"))
          .With(
              "TuningJobCompletionCriteria",
              Parsed(
                  R"({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}})"));
  Ask("CreateHyperParameterTuningJob",
      Request("idle", "Random").With("HyperParameterTuningJobConfig", config));
  const Json job = Finish("idle");
  EXPECT_EQ(job["TrainingJobStatusCounters"].IntOr("Completed", 0), 4) << job.Print();
  EXPECT_EQ(job["TuningJobCompletionDetails"].IntOr("NumberOfTrainingJobsObjectiveNotImproving", 0),
            3);
}

TEST(TuningStop, RungsOfHyperband) {
  const Json config = Parsed(R"({"Strategy": "Hyperband", "StrategyConfig":
    {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}})");
  // The first nine jobs are of the bracket whose first rung is one epoch.
  std::vector<Reports> all;
  for (int i = 0; i < 9; ++i) all.push_back({{1.0 + i}, i});
  for (size_t i = 0; i < 9; ++i)
    EXPECT_EQ(EndsEarly(config, 9, all, i, false), i >= 3) << i;  // a third goes on
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(EndsEarly(config, 9, all, i, true), i < 6) << i;
  all[8].values = {9, 1};
  EXPECT_FALSE(EndsEarly(config, 9, all, 8, false));  // two epochs are no rung
  all[0].values = std::vector<double>(9, 1);
  EXPECT_TRUE(EndsEarly(config, 9, all, 0, false));  // MaxResource
  // The tenth is of the next bracket: it is left alone until its third epoch.
  all.push_back({{100}, 9});
  EXPECT_FALSE(EndsEarly(config, 9, all, 9, false));
  EXPECT_EQ(MaxResourceOf(Parsed("{}"), Parsed(R"({"epochs": "12"})")), 12);
}

TEST(TuningStop, TheMedianOfTheOthers) {
  const Json config = Parsed(R"({"Strategy": "Random", "TrainingJobEarlyStoppingType": "Auto"})");
  std::vector<Reports> all{{{4, 2}, 0}, {{6, 4}, 1}, {{8, 2}, 2}, {{9, 4.5}, 3}};
  EXPECT_FALSE(EndsEarly(config, 0, all, 3, false));  // the median is 5
  all[3].values = {9, 5.5};
  EXPECT_TRUE(EndsEarly(config, 0, all, 3, false));
  all.pop_back();
  EXPECT_FALSE(EndsEarly(config, 0, all, 2, false));  // too few to tell
}

}  // namespace
}  // namespace stepmill::sagemaker
