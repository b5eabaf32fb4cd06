# The library for who uses it elsewhere: cmake --install BUILD --component onhook_client. A component of its
# own, so that the gateway's package has none of it.
include(CMakePackageConfigHelpers)
set(onhook_client_targets onhook_client onhook_client_wire onhook_messages onhook_services onhook_testing)
foreach(target ${onhook_client_targets})
  string(REGEX REPLACE "^onhook_" "" name ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} INTERFACE "$<INSTALL_INTERFACE:include>")
endforeach()
install(TARGETS onhook_client onhook_testing EXPORT OnhookTargets COMPONENT onhook_client
  ARCHIVE DESTINATION lib FILE_SET public_headers DESTINATION include)
install(TARGETS onhook_client_wire onhook_messages onhook_services EXPORT OnhookTargets COMPONENT onhook_client
  ARCHIVE DESTINATION lib)
install(DIRECTORY "${PROJECT_BINARY_DIR}/proto/onhook" DESTINATION include COMPONENT onhook_client
  FILES_MATCHING PATTERN "*.pb.h")
install(EXPORT OnhookTargets NAMESPACE Onhook:: DESTINATION lib/cmake/Onhook COMPONENT onhook_client)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/OnhookConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_LIST_DIR}/OnhookConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/OnhookConfigVersion.cmake"
  DESTINATION lib/cmake/Onhook COMPONENT onhook_client)
foreach(name onhook-client onhook-testing)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" ${name}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION lib/pkgconfig COMPONENT onhook_client)
endforeach()
