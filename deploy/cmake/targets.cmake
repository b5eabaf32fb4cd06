# How a library, a program and a test of this project are declared: once, here.

add_library(onhook_options INTERFACE)
target_include_directories(onhook_options INTERFACE "${CMAKE_SOURCE_DIR}")
if(ONHOOK_WARNINGS)
  separate_arguments(warnings UNIX_COMMAND "${ONHOOK_WARNINGS}")
  target_compile_options(onhook_options INTERFACE ${warnings})
endif()
if(ONHOOK_SANITIZE STREQUAL "thread")
  include_directories(BEFORE SYSTEM "${CMAKE_SOURCE_DIR}/tests/support/tsan")
endif()
if(ONHOOK_SANITIZE)
  # A finding ends the program: as a mere line in a log no test would fail by it.
  add_compile_options(-fsanitize=${ONHOOK_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ONHOOK_SANITIZE})
endif()

# Headers of other libraries that most files read, read once. Compilers take what comes of it only with the
# same flags, and a file that forgot to include one of them compiles: so never in the preset that is shipped,
# nor in clang's. Without a time in it ccache finds clang's again.
if(ONHOOK_PRECOMPILE)
  add_compile_options(-pthread "SHELL:$<$<CXX_COMPILER_ID:Clang>:-Xclang -fno-pch-timestamp>")
  set(headers <algorithm> <atomic> <cstdint> <functional> <map> <memory> <optional> <set> <string> <thread> <utility>
    <vector> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h> <absl/time/time.h>
    <google/protobuf/extension_set.h> <google/protobuf/generated_message_reflection.h> <google/protobuf/map_field.h>
    <google/protobuf/message.h>)
  if(ONHOOK_GRPC)
    list(APPEND headers <grpcpp/grpcpp.h>)
  endif()
  file(CONFIGURE OUTPUT precompile.cc CONTENT "")
  add_library(onhook_precompiled OBJECT "${CMAKE_CURRENT_BINARY_DIR}/precompile.cc")
  target_link_libraries(onhook_precompiled PRIVATE onhook_options absl::statusor absl::synchronization
    protobuf::libprotobuf)
  target_precompile_headers(onhook_precompiled PRIVATE ${headers})
  if(ONHOOK_TESTS AND NOT ONHOOK_FUZZ)
    find_package(GTest REQUIRED)
    add_library(onhook_precompiled_tests OBJECT "${CMAKE_CURRENT_BINARY_DIR}/precompile.cc")
    target_link_libraries(onhook_precompiled_tests PRIVATE onhook_options absl::statusor absl::synchronization
      protobuf::libprotobuf GTest::gmock)
    target_precompile_headers(onhook_precompiled_tests PRIVATE ${headers} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endif()

# onhook_use_precompiled(TARGET [tests]): with the headers of GoogleTest for tests.
function(onhook_use_precompiled target)
  if(ONHOOK_PRECOMPILE AND ARGC EQUAL 2)
    target_precompile_headers(${target} REUSE_FROM onhook_precompiled_tests)
  elseif(ONHOOK_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM onhook_precompiled)
  endif()
endfunction()

# onhook_library(NAME HEADERS h... SOURCES cc... DEPENDS lib...): one for each folder.
function(onhook_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;DEPENDS")
  if(arg_SOURCES)
    add_library(${name} STATIC)
    target_sources(${name} PRIVATE ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC onhook_options ${arg_DEPENDS})
    onhook_use_precompiled(${name})
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${arg_HEADERS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE onhook_options ${arg_DEPENDS})
    target_sources(${name} INTERFACE FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${arg_HEADERS})
  endif()
endfunction()

# onhook_program(NAME TARGET target SOURCES cc... DEPENDS lib...): build/<preset>/NAME.
function(onhook_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET" "SOURCES;DEPENDS")
  add_executable(${arg_TARGET} ${arg_SOURCES})
  target_link_libraries(${arg_TARGET} PRIVATE onhook_options ${arg_DEPENDS})
  onhook_use_precompiled(${arg_TARGET})
  # The tables through which functions of libraries are called are read-only once they are filled.
  target_link_options(${arg_TARGET} PRIVATE -Wl,-z,relro,-z,now)
  set_target_properties(${arg_TARGET} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()

# onhook_test(NAME SOURCES cc... DEPENDS lib... [LABELS label...] [SERIAL] [PROCESSORS n] [TIMEOUT s]): a GoogleTest
# program, each test known to ctest. SERIAL: none runs beside another, because it measures what that would disturb.
# PROCESSORS: as many as n others.
function(onhook_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "PREFIX;PROCESSORS;TIMEOUT" "SOURCES;DEPENDS;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE onhook_options ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  onhook_use_precompiled(${name} tests)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL})
  if(arg_PROCESSORS)
    list(APPEND properties PROCESSORS ${arg_PROCESSORS})
  endif()
  if(arg_LABELS)  # an empty list would take the next word for a label
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  # The longest first, which ctest knows by itself from a second run on only.
  if(arg_LABELS MATCHES "crash|chaos|controls")
    list(APPEND properties COST 100)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${arg_PREFIX}" PROPERTIES ${properties})
endfunction()
