#include "service/sagemaker/training_feed.h"

#include "json/each.h"
#include "service/sagemaker/pipe_data.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_contract.h"
#include "store/store.h"

namespace stepmill::sagemaker {

namespace {

/// What is fed to one channel of one host. The opener of a pipe shares it.
struct Feed {
  JobHost host;
  Json channel;
  DataSource share;
  Key key;
};

Key PipeKey(const Asker& asker, const JobId& id, const Json& channel) {
  return MakeKey({asker.account, asker.region, "sagemaker", "training-pipe", id.value,
                  channel.StringOr("ChannelName", "")});
}

Task<> Note(std::shared_ptr<Feed> feed, int64_t epoch, bool is_open) {
  Batch batch;
  batch.PutDocument(feed->key, Json::Object{{"epoch", epoch}, {"isOpen", is_open}});
  co_return co_await feed->host.asker.ports.store.Commit(std::move(batch));
}

/// Somebody reads: from now on an end of this stream would be taken for its real one.
Task<std::unique_ptr<ByteSource>> Open(std::shared_ptr<Feed> feed, int64_t epoch) {
  MILL_CO_CHECK(co_await Note(feed, epoch, true));
  Backend& backend = feed->host.asker.ports.backend;
  MILL_CO_CHECK(co_await backend.MakePipe(feed->host.id, PipePath(feed->channel, epoch + 1)));
  co_return co_await OpenEpoch(feed->host.asker, feed->channel, feed->share, epoch);
}

}  // namespace

std::string PipePath(const Json& channel, int64_t epoch) {
  return "/opt/ml/input/data/" + channel.StringOr("ChannelName", "") + "_" + std::to_string(epoch);
}

Task<Json> FeedChannel(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobHost host, HostOf(ports, performance.what, kTrainingJob));
  const Json channel =
      host.job["InputDataConfig"].At(static_cast<size_t>(performance.what.IntOr("channel", 0)));
  const auto feed =
      std::make_shared<Feed>(Feed{host, channel, ChannelSource(host.job, channel, host.index),
                                  PipeKey(host.asker, host.id, channel)});
  MILL_CO_TRY(const auto known, co_await ports.store.Get(feed->key));
  if (known && known->body.BoolOr("isOpen", false)) {
    co_return Failure(
        "InternalServerError: We encountered an internal error. Please try again. (The server "
        "stopped while it streamed channel " +
        channel.StringOr("ChannelName", "") + ")");
  }
  for (int64_t epoch = known ? known->body.IntOr("epoch", 0) + 1 : 0;; ++epoch) {
    const PipeOpener open = [feed, epoch] { return Open(feed, epoch); };
    const Result<PipeEnd> end =
        co_await ports.backend.FeedPipe(host.id, PipePath(channel, epoch), open);
    if (!end && end.error().code == Code::kNotFound && end.error().name == "JobNotFound")
      co_return Json::Object{};
    if (!end && IsPassing(end.error())) co_return end.error();
    if (!end) co_return Failure("ClientError: Data download failed:" + end.error().message);
    if (*end == PipeEnd::kJobEnded) co_return Json::Object{};
    MILL_CO_CHECK(co_await Note(feed, epoch, false));
  }
}

void ForgetPipes(const JobHost& host, const JobId& id, Batch& batch) {
  for (const Json& channel : ItemsOf(host.job["InputDataConfig"]))
    if (InputModeOf(host.job, channel) == "Pipe") batch.Delete(PipeKey(host.asker, id, channel));
}

}  // namespace stepmill::sagemaker
