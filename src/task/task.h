#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/result.h"

namespace stepmill {

namespace asio = boost::asio;

/// A coroutine that ends in a value or an Error. See style: rules 1 to 5 for coroutines.
template <class T = void>
using Task = asio::awaitable<Result<T>>;

}  // namespace stepmill
