#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "json/json.h"

/// Training on several hosts, by libxgboost's own collective ("rabit").
namespace stepmill::xgboost {

/// What the hosts of a job find each other by: it gives each a rank and tells it its neighbours in
/// a tree and a ring. Runs on the first host, on a thread of its own, until all have said that they
/// are done or it is destroyed.
///
/// The wire, all numbers 32 bit in the machine's order, a text is its length and its bytes. A host
/// connects once for each thing that it says: magic 0xff99 both ways, its rank or -1, the number of
/// hosts or -1, its name, then a word:
///
///     "print"     a text for the log
///     "shutdown"  the host is done
///     "start"     answered by: rank, parent's rank or -1, number of hosts, count and ranks of its
///                 neighbours in the tree, ranks before and behind it in the ring (-1: none). Then
///                 until it sends 0: it sends count and ranks of the links that stand; answered by
///                 how many to connect to, how many will connect to it, and of the first each
///                 address, port and rank; it sends how many failed. At last it sends its port.
class Tracker {
 public:
  static Result<std::unique_ptr<Tracker>> Start(int hosts, int port);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

 private:
  class Core;
  explicit Tracker(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

/// This host among those of its job, as long as it lives: all that libxgboost does on this thread
/// is done together with the other hosts. `resources`: /opt/ml/input/config/resourceconfig.json.
class Together {
 public:
  /// Waits until all hosts are there.
  static Result<std::unique_ptr<Together>> Join(const Json& resources);
  ~Together();
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;
  bool is_first() const;  ///< the one that prints and saves
  int count() const;
  /// True on all hosts when it is on one of them: all ask at the same moment.
  bool AnyOf(bool is_so) const;

 private:
  explicit Together(std::unique_ptr<Tracker> tracker);
  std::unique_ptr<Tracker> tracker_;
};

}  // namespace stepmill::xgboost
