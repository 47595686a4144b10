#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadDistributedMap(const Json& json, const Where& at, State& state, int depth) {
  (void)json, (void)state, (void)depth;  // read when the mode is built
  Schema("The Map mode 'DISTRIBUTED' is not built into this server: use 'INLINE'",
         at.Member("ItemProcessor").Member("ProcessorConfig").Member("Mode"));
}

}  // namespace stepmill::asl
