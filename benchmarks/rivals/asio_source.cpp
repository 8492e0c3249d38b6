// Asio's own implementation, for the programs that are built with ASIO_SEPARATE_COMPILATION.
#include <asio/impl/src.hpp>
