#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "algorithm/xgboost/data.h"
#include "algorithm/xgboost/hyperparameters.h"
#include "algorithm/xgboost/metrics.h"
#include "algorithm/xgboost/numbers.h"
#include "algorithm/xgboost/predict.h"
#include "algorithm/xgboost/train.h"
#include "io/files.h"

namespace stepmill::xgboost {
namespace {

std::string Refused(const char* values, const char* version = "1.7-1") {
  const auto config = ReadHyperparameters(ParseJson(values).value(), version);
  return config ? "accepted" : config.error().message;
}

TEST(XgboostHyperparameters, TextsAndRanges) {
  EXPECT_EQ(Refused("{}"), "Missing required hyperparameter: num_round");
  EXPECT_EQ(Refused(R"({"num_round": "0"})"), "Hyperparameter num_round: 0 is not in [1, +inf)");
  EXPECT_EQ(Refused(R"({"num_round": "x"})"),
            "Hyperparameter num_round: could not parse value (caused by ValueError)");
  EXPECT_EQ(Refused(R"({"num_round": "5", "eta": "2"})"),
            "Hyperparameter eta: 2.0 is not in [0, 1]");
  EXPECT_EQ(Refused(R"({"num_round": "5", "subsample": "0"})"),
            "Hyperparameter subsample: 0.0 is not in (0, 1]");
  EXPECT_EQ(Refused(R"({"num_round": "5", "booster": "tree"})"),
            "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']");
  EXPECT_EQ(Refused(R"({"num_round": "5", "speed": "1"})"),
            "Extraneous hyperparameter found: speed");
  EXPECT_EQ(Refused(R"({"num_round": "5", "silent": "0"})"),
            "Extraneous hyperparameter found: silent");
  EXPECT_EQ(Refused(R"({"num_round": "5", "silent": "0"})", "1"), "accepted");
  EXPECT_EQ(Refused(R"({"num_round": "5", "objective": "multi:softmax"})"),
            "Require input for parameter 'num_class' for multi-classification");
  EXPECT_EQ(Refused(R"({"num_round": "5", "eval_metric": "map@x"})"),
            "Threshold value 't' in 'map@t' expects float input.");
}

TEST(XgboostHyperparameters, AliasesAndMetrics) {
  const auto config = ReadHyperparameters(
      ParseJson(R"({"num_round": "5", "learning_rate": "0.1", "objective": "binary:logistic",
                    "eval_metric": "logloss, auc,f1", "_tuning_objective_metric": "validation:error"})")
          .value(),
      "1.7-1");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->parameters.at("eta"), "0.1");
  EXPECT_EQ(config->eval_metrics, (std::vector<std::string>{"logloss", "auc", "error"}));
  EXPECT_EQ(config->own_metrics, std::vector<std::string>{"f1"});
  EXPECT_EQ(config->stopping_metric, "f1");
}

TEST(XgboostData, Csv) {
  Table table;
  ASSERT_TRUE(AddCsv(table, "1,2,3\r\n0,,nan\n\n4, 5 ,1e-3", "f", {true, false}, ','));
  EXPECT_EQ(table.rows, 3u);
  EXPECT_EQ(table.columns, 2u);
  EXPECT_EQ(table.labels, (std::vector<float>{1, 0, 4}));
  EXPECT_TRUE(std::isnan(table.values[2]) && std::isnan(table.values[3]));
  EXPECT_EQ(table.values[5], 1e-3F);
  Table weighted;
  ASSERT_TRUE(AddCsv(weighted, "1,0.5,9\n", "f", {true, true}, ','));
  EXPECT_EQ(weighted.weights, std::vector<float>{0.5});
  EXPECT_EQ(weighted.values, std::vector<float>{9});
  const auto refused = [](const char* text) {
    Table bad;
    const auto read = AddCsv(bad, text, "a/b.csv", {true, false}, ',');
    return read ? "accepted" : read.error().message;
  };
  const std::string start = "Failed to load csv data with exception:\nFile 'a/b.csv', line ";
  EXPECT_EQ(refused("1,2,3\n1,2\n"), start + "2: 2 columns, but the first line has 3");
  EXPECT_EQ(refused("y,x\n"), start + "1: label 'y' is not a number");
  EXPECT_EQ(refused("nan,1\n"), start + "1: label 'nan' is not a number");
  EXPECT_EQ(refused("1,2\n1,two\n"), start + "2: column 2 'two' is not a number");
  EXPECT_EQ(refused("1\n"), start + "1: there are no features");
}

TEST(XgboostData, Libsvm) {
  Table table;
  ASSERT_TRUE(AddLibsvm(table, "1:0.5 0:1 3:2\n0:2 1:7 # why\n", "f", true));
  EXPECT_EQ(table.rows, 2u);
  EXPECT_EQ(table.columns, 4u);
  EXPECT_EQ(table.weights, (std::vector<float>{0.5, 2}));
  EXPECT_EQ(table.row_ends, (std::vector<size_t>{0, 2, 3}));
  Table bad;
  EXPECT_EQ(
      AddLibsvm(bad, "1,2,3\n", "f", true).error().message,
      "First line '1,2,3...' of file 'f' is not 'LIBSVM' format. Please ensure the file is in "
      "'LIBSVM' format.");
  Table worse;
  EXPECT_FALSE(AddLibsvm(worse, "1 1:2\n1 -4:2\n", "f", true));
}

TEST(XgboostData, ContentTypes) {
  EXPECT_EQ(FormatOf("text/csv; label_size=1").value(), Format::kCsv);
  EXPECT_EQ(FormatOf("").value(), Format::kLibsvm);
  EXPECT_FALSE(FormatOf("text/csv;label_size=2"));
  EXPECT_FALSE(FormatOf("image/png"));
}

TEST(XgboostNumbers, AsPythonPrintsThem) {
  EXPECT_EQ(PythonFloat(1), "1.0");
  EXPECT_EQ(PythonFloat(0), "0.0");
  EXPECT_EQ(PythonFloat(0.1), "0.1");
  EXPECT_EQ(PythonFloat(1e-5), "1e-05");
  EXPECT_EQ(PythonFloat(1e16), "1e+16");
  EXPECT_EQ(PythonFloat(123456.75), "123456.75");
}

TEST(XgboostMetrics, OfClasses) {
  const std::vector<float> said = {0.9F, 0.2F, 0.8F, 0.4F}, is = {1, 0, 0, 1};
  EXPECT_EQ(OwnMetric("accuracy", said, 4, false, is), 0.5);
  EXPECT_EQ(OwnMetric("precision", said, 4, false, is), 0.5);
  EXPECT_EQ(OwnMetric("f1", said, 4, false, is), 0.5);
  const std::vector<float> three = {0.1F, 0.8F, 0.1F, 0.7F, 0.2F, 0.1F};
  EXPECT_EQ(OwnMetric("accuracy", three, 2, false, std::vector<float>{1, 0}), 1);
  EXPECT_NEAR(OwnMetric("mse", said, 4, false, is), (0.01 + 0.04 + 0.64 + 0.36) / 4, 1e-6);
}

class XgboostTrain : public testing::Test {
 protected:
  XgboostTrain() {
    std::string pattern = (std::filesystem::temp_directory_path() / "xgboost-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    Write("input/config/resourceconfig.json", R"({"current_host": "algo-1", "hosts": ["algo-1"]})");
    Write("input/config/inputdataconfig.json", R"({"train": {"ContentType": "text/csv"},
        "validation": {"ContentType": "text/csv"}})");
    std::string rows;
    for (int i = 0; i < 200; ++i) {
      const int a = i * 37 % 101, b = i * 53 % 89;
      rows += std::to_string(2 * a - b) + "," + std::to_string(a) + "," + std::to_string(b) + "\n";
    }
    Write("input/data/train/deep/t.csv", rows);
    Write("input/data/validation/v.csv", rows);
  }
  ~XgboostTrain() override { std::filesystem::remove_all(root); }
  void Write(const std::string& path, const std::string& text) {
    MILL_ASSERT(io::MakeFolders(std::filesystem::path(root + "/" + path).parent_path()));
    MILL_ASSERT(io::WriteFile(root + "/" + path, text, false));
  }
  std::string Run(const char* hyperparameters) {
    Write("input/config/hyperparameters.json", hyperparameters);
    testing::internal::CaptureStdout();
    const Result<> result = Train(root, "1.7-1");
    std::string out = testing::internal::GetCapturedStdout();
    return result ? out : result.error().name + ": " + result.error().message;
  }
  std::string Model() { return io::ReadFile(root + "/model/xgboost-model").value(); }
  std::string root;
};

TEST_F(XgboostTrain, LinesModelAndPredictions) {
  const char* words =
      R"({"num_round": "12", "seed": "4", "subsample": "0.8", "eval_metric": "mae,r2"})";
  const std::string out = Run(words);
  EXPECT_NE(out.find("Train matrix has 200 rows and 2 columns\n"), std::string::npos) << out;
  EXPECT_NE(out.find("[0]\ttrain-mae:"), std::string::npos) << out;
  EXPECT_NE(out.find("\tvalidation-r2:"), std::string::npos) << out;
  EXPECT_NE(out.find("\n[11]\t"), std::string::npos) << out;
  EXPECT_EQ(out.find("\n[12]\t"), std::string::npos) << out;
  const std::string first = Model();
  Run(words);
  EXPECT_EQ(Model(), first);  // the same seed, the same model
  const auto booster = Booster::Load(root + "/model/xgboost-model");
  ASSERT_TRUE(booster) << booster.error().message;
  EXPECT_EQ(booster->Rounds().value(), 12);
  const Reply one = Predict(*booster, "text/csv", "", "50,10\n", false);
  EXPECT_EQ(one.status, 200);
  EXPECT_NEAR(std::atof(one.body.c_str()), 90, 25);
  EXPECT_EQ(Predict(*booster, "text/csv", "", "50,10\n50,10\n", true).body,
            one.body + "\n" + one.body + "\n");
  EXPECT_EQ(Predict(*booster, "text/csv", "application/json", "50,10", false).body,
            "{\"predictions\": [{\"score\": " + one.body + "}]}");
  EXPECT_EQ(Predict(*booster, "text/libsvm", "", "0:50 1:10", false).body, one.body);
  EXPECT_EQ(Predict(*booster, "text/csv", "", "1,2,3", false).status, 400);
  EXPECT_EQ(Predict(*booster, "text/csv", "", "a,b", false).status, 415);
  EXPECT_EQ(Predict(*booster, "image/png", "", "x", false).status, 415);
  EXPECT_EQ(Predict(*booster, "text/csv", "", "", false).status, 204);
}

TEST_F(XgboostTrain, EarlyStoppingKeepsTheBest) {
  // The validation set contradicts the training set: it gets worse from the start.
  Write("input/data/validation/v.csv", "500,1,2\n-500,100,2\n300,5,80\n");
  const std::string out = Run(R"({"num_round": "50", "early_stopping_rounds": "3"})");
  EXPECT_NE(out.find("Stopping. Best iteration: ["), std::string::npos) << out;
  const size_t at = out.find("Best iteration: [") + 17;
  EXPECT_EQ(Booster::Load(root + "/model/xgboost-model")->Rounds().value(),
            std::atoi(out.c_str() + at) + 1);
}

TEST_F(XgboostTrain, GoesOnFromACheckpoint) {
  Write("input/config/checkpointconfig.json", R"({"LocalPath": ")" + root + R"(/ckpt"})");
  std::filesystem::create_directories(root + "/ckpt");
  Run(R"({"num_round": "8"})");
  EXPECT_TRUE(io::Exists(root + "/ckpt/xgboost-checkpoint.7"));
  EXPECT_FALSE(io::Exists(root + "/ckpt/xgboost-checkpoint.2"));
  const std::string out = Run(R"({"num_round": "10"})");
  EXPECT_EQ(out.find("[7]\t"), std::string::npos) << out;
  EXPECT_NE(out.find("[8]\t"), std::string::npos) << out;
  EXPECT_EQ(Booster::Load(root + "/model/xgboost-model")->Rounds().value(), 10);
}

/// A port that was free a moment ago.
int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

TEST_F(XgboostTrain, TwoHostsTogether) {
  // Each host, a thread here, has one half of the rows.
  ::setenv("STEPMILL_XGBOOST_PORT", std::to_string(FreePort()).c_str(), 1);
  const std::string home = root;
  const std::string all = io::ReadFile(root + "/input/data/train/deep/t.csv").value();
  const size_t half = all.find('\n', all.size() / 2) + 1;
  const char* const names[] = {"127.0.0.1", "localhost"};
  for (const std::string name : names) {
    root = home + "/" + name;
    Write("input/config/resourceconfig.json",
          R"({"hosts": ["127.0.0.1", "localhost"], "current_host": ")" + name + R"("})");
    Write("input/config/inputdataconfig.json", R"({"train": {"ContentType": "text/csv"}})");
    Write("input/config/hyperparameters.json", R"({"num_round": "12", "tree_method": "hist"})");
    const bool is_first = name == "127.0.0.1";
    Write("input/data/train/t.csv", is_first ? all.substr(0, half) : all.substr(half));
  }
  root = home;
  std::vector<Result<>> results(2);
  testing::internal::CaptureStdout();
  std::thread other([&] { results[1] = Train(home + "/" + names[1], "1.7-1"); });
  results[0] = Train(home + "/" + names[0], "1.7-1");
  other.join();
  const std::string out = testing::internal::GetCapturedStdout();
  for (const Result<>& result : results) ASSERT_TRUE(result) << result.error().message << out;
  EXPECT_NE(out.find("Distributed node training with 2 hosts."), std::string::npos) << out;
  const size_t last = out.find("[11]\ttrain-rmse:");
  ASSERT_NE(last, std::string::npos) << out;
  EXPECT_EQ(out.find("[11]\ttrain-rmse:", last + 1), std::string::npos) << out;  // printed once
  EXPECT_LT(std::stod(out.substr(last + sizeof "[11]\ttrain-rmse:" - 1)), 10) << out;
  EXPECT_TRUE(io::Exists(home + "/127.0.0.1/model/xgboost-model"));
  EXPECT_FALSE(io::Exists(home + "/localhost/model/xgboost-model"));
  EXPECT_EQ(Booster::Load(home + "/127.0.0.1/model/xgboost-model")->Rounds().value(), 12);
}

TEST_F(XgboostTrain, MistakesOfTheUser) {
  EXPECT_EQ(Run(R"({"num_round": "2", "objective": "binary:logistic"})"),
            "UserError: label must be in [0,1] for logistic regression");
  for (const auto& [bad, what] :
       {std::pair("1,2,3\n4,5\n", "line 2: 2 columns, but the first line has 3"),
        std::pair("ham,2,3\n", "line 1: label 'ham' is not a number"),
        std::pair("inf,2,3\n", "line 1: label 'inf' is not a number")}) {
    Write("input/data/validation/v.csv", bad);
    EXPECT_EQ(
        Run(R"({"num_round": "2"})"),
        std::string("UserError: Failed to load csv data with exception:\nFile 'v.csv', ") + what);
  }
  Write("input/data/validation/v.csv", "1,2,3,4\n");
  EXPECT_TRUE(Run(R"({"num_round": "2"})").starts_with("UserError: feature_names mismatch"));
  std::filesystem::remove_all(root + "/input/data/train");
  EXPECT_EQ(Run(R"({"num_round": "2"})"),
            "UserError: No data in training channel path " + root + "/input/data/train");
  Write("input/config/inputdataconfig.json", R"({"validation": {}})");
  EXPECT_EQ(Run(R"({"num_round": "2"})"), "UserError: Missing required channel: train");
}

}  // namespace
}  // namespace stepmill::xgboost
