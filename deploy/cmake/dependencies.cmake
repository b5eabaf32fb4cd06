# Every library the project stands on. Only the folder named beside it may include its headers:
# tests/tidy/rules.py.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(SQLite3 3.40 REQUIRED)    # gateway/store/sqlite
find_package(simdjson 3.0 REQUIRED)    # gateway/ingress
find_package(prometheus-cpp REQUIRED)  # gateway/base
find_package(yaml-cpp 0.7 REQUIRED)    # gateway/config
find_package(absl REQUIRED)
if(ONHOOK_GRPC)
  find_package(gRPC 1.51 REQUIRED CONFIG)    # gateway/delivery, clients/cpp
endif()

# Debian's Protobuf finder names the compiler; the module and CONFIG forms of gRPC name the plugin alike.
set(ONHOOK_PROTOC "${Protobuf_PROTOC_EXECUTABLE}")

# cpp-httplib is one header. An older one has flaws that the connection layer does not cover; a
# newer one than the range is as good as untried.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../versions.env" bounds REGEX "^HTTPLIB_")
string(REGEX REPLACE ".*HTTPLIB_MINIMUM=([0-9.]+).*" "\\1" httplib_minimum "${bounds}")
string(REGEX REPLACE ".*HTTPLIB_BELOW=([0-9.]+).*" "\\1" httplib_below "${bounds}")
set(header "${ONHOOK_HTTPLIB_INCLUDE_DIR}/httplib.h")
if(NOT EXISTS "${header}")
  message(FATAL_ERROR
    "${header} is missing: run ./deploy/setup.sh, or set ONHOOK_HTTPLIB_INCLUDE_DIR")
endif()
file(STRINGS "${header}" line REGEX "^#define CPPHTTPLIB_VERSION \"")
string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" ONHOOK_HTTPLIB_VERSION "${line}")
if(ONHOOK_HTTPLIB_VERSION VERSION_LESS httplib_minimum)
  message(FATAL_ERROR "cpp-httplib ${ONHOOK_HTTPLIB_VERSION} in ${header} is older than "
    "${httplib_minimum} and has unpatched flaws: run ./deploy/setup.sh, or set "
    "ONHOOK_HTTPLIB_INCLUDE_DIR to a newer one")
elseif(ONHOOK_HTTPLIB_VERSION VERSION_GREATER_EQUAL httplib_below)
  message(WARNING "cpp-httplib ${ONHOOK_HTTPLIB_VERSION} in ${header} is newer than the tested "
    "range, which ends below ${httplib_below} (deploy/versions.env)")
endif()
add_library(onhook_httplib INTERFACE)
target_include_directories(onhook_httplib SYSTEM INTERFACE "${ONHOOK_HTTPLIB_INCLUDE_DIR}")
# Here, not where TLS is used: two files that see different classes of one name are no program.
target_compile_definitions(onhook_httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT)
target_link_libraries(onhook_httplib INTERFACE Threads::Threads OpenSSL::SSL OpenSSL::Crypto)
# Its use of std::regex looks uninitialised to GCC as soon as sanitizers are on.
target_compile_options(onhook_httplib INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

# xxHash: the checksum of each stored event; gateway/store/sqlite
find_library(ONHOOK_JEMALLOC_LIBRARY jemalloc REQUIRED)
find_library(ONHOOK_XXHASH_LIBRARY xxhash REQUIRED)
add_library(onhook_xxhash INTERFACE)
target_link_libraries(onhook_xxhash INTERFACE "${ONHOOK_XXHASH_LIBRARY}")

# libnats: a connection to NATS; gateway/store/jetstream. Debian ships a CMake package of it that cannot be
# used.
find_library(ONHOOK_NATS_LIBRARY nats)
find_path(ONHOOK_NATS_INCLUDE_DIR nats/nats.h)
if(NOT ONHOOK_NATS_LIBRARY OR NOT ONHOOK_NATS_INCLUDE_DIR)
  message(FATAL_ERROR "libnats is missing: run ./deploy/setup.sh (it installs libnats-dev), or set "
    "ONHOOK_NATS_LIBRARY and ONHOOK_NATS_INCLUDE_DIR")
endif()
file(STRINGS "${ONHOOK_NATS_INCLUDE_DIR}/nats/version.h" line REGEX "^#define NATS_VERSION_STRING ")
string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" ONHOOK_NATS_VERSION "${line}")
if(ONHOOK_NATS_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "libnats ${ONHOOK_NATS_VERSION} in ${ONHOOK_NATS_INCLUDE_DIR} is older than 3.4")
endif()
add_library(nats::nats UNKNOWN IMPORTED)
set_target_properties(nats::nats PROPERTIES IMPORTED_LOCATION "${ONHOOK_NATS_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${ONHOOK_NATS_INCLUDE_DIR}")
