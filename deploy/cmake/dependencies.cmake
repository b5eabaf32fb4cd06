# Every library the project stands on. Only the folder named beside it may include its headers (tests/tidy says so).
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(SQLite3 3.40 REQUIRED)    # gateway/store/sqlite
find_package(simdjson 3.0 REQUIRED)    # gateway/ingress
find_package(absl REQUIRED)
if(ONHOOK_GRPC)
  find_package(gRPC 1.51 REQUIRED CONFIG)    # gateway/delivery, clients/cpp
endif()

# Debian's Protobuf finder names the compiler; the module and CONFIG forms of gRPC name the plugin alike.
set(ONHOOK_PROTOC "${Protobuf_PROTOC_EXECUTABLE}")

# cpp-httplib is one header; an older one has flaws that the connection layer does not cover.
set(header "${ONHOOK_HTTPLIB_INCLUDE_DIR}/httplib.h")
if(NOT EXISTS "${header}")
  message(FATAL_ERROR "${header} is missing: run ./deploy/setup.sh, or set ONHOOK_HTTPLIB_INCLUDE_DIR")
endif()
file(STRINGS "${header}" line REGEX "^#define CPPHTTPLIB_VERSION \"")
string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" ONHOOK_HTTPLIB_VERSION "${line}")
if(ONHOOK_HTTPLIB_VERSION VERSION_LESS 0.41)
  message(FATAL_ERROR "cpp-httplib ${ONHOOK_HTTPLIB_VERSION} in ${header} is older than 0.41, which has "
    "unpatched flaws: run ./deploy/setup.sh, or set ONHOOK_HTTPLIB_INCLUDE_DIR to a newer one")
endif()
add_library(onhook_httplib INTERFACE)
target_include_directories(onhook_httplib SYSTEM INTERFACE "${ONHOOK_HTTPLIB_INCLUDE_DIR}")
target_link_libraries(onhook_httplib INTERFACE Threads::Threads)
