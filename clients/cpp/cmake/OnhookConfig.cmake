# find_package(Onhook): Onhook::client, and Onhook::testing for tests.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Protobuf)
find_dependency(OpenSSL)
find_dependency(absl)
find_dependency(gRPC CONFIG)
include("${CMAKE_CURRENT_LIST_DIR}/OnhookTargets.cmake")
