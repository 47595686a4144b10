#pragma once

#include <initializer_list>
#include <utility>

#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill {

/// A performer that is a function of the ports, by its name.
struct NamedPerformer {
  const char* name;
  Task<Json> (*perform)(Ports&, Engine::Performance);
};

/// `ports` must outlive the engine's performances: it lives as long as the server.
inline void RegisterPerformers(Ports& ports, std::initializer_list<NamedPerformer> performers) {
  for (const NamedPerformer& one : performers) {
    ports.engine.AddPerformer(one.name,
                              [&ports, perform = one.perform](Engine::Performance performance) {
                                return perform(ports, std::move(performance));
                              });
  }
}

}  // namespace stepmill
