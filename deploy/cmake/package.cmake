# The Debian package: what lies where once it is installed, and what dpkg is told. deploy/build-package.sh
# makes it from a build of the release preset; deploy/PACKAGE.md is for who installs it.
find_program(ONHOOK_GZIP gzip)
find_program(ONHOOK_SED sed)
if(ONHOOK_SANITIZE OR NOT TARGET onhookd OR NOT ONHOOK_GZIP OR NOT ONHOOK_SED)
  return()
endif()

set(ONHOOK_PACKAGE_MAINTAINER "Onhook maintainers <maintainers@onhook.example>" CACHE STRING
    "Who answers for the Debian package, as in its control file: a name and an <address>")
set(package "${CMAKE_SOURCE_DIR}/deploy/debian")
set(systemd "${CMAKE_SOURCE_DIR}/deploy/systemd")
set(staged "${CMAKE_BINARY_DIR}/package")

# onhook_staged_gzip(FILE NAME): NAME.gz in the build, as small and as free of dates as Debian asks.
function(onhook_staged_gzip file name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(MAKE_DIRECTORY "${staged}")
  execute_process(COMMAND "${ONHOOK_GZIP}" -9 --no-name --stdout "${file}" OUTPUT_FILE "${staged}/${name}.gz"
    COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# onhook_package(DIRECTORY FILE...): FILEs lie in DIRECTORY. They are a component of their own, so that
# nothing else that the project installs gets in.
function(onhook_package directory)
  install(FILES ${ARGN} DESTINATION "${directory}" COMPONENT onhook_package)
endfunction()

# onhook_package_page(DIRECTORY FILE): a page of the sources, in DIRECTORY of the package's documents, with
# links that lead somewhere there.
function(onhook_package_page directory file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}" "${package}/pages.sed")
  get_filename_component(name "${file}" NAME)
  file(MAKE_DIRECTORY "${staged}/pages/${directory}")
  set(edits -f "${package}/pages.sed")
  if(directory STREQUAL "")
    list(APPEND edits -e "s|](../|](|g")  # nothing lies beside it that it is told of
  endif()
  execute_process(COMMAND "${ONHOOK_SED}" ${edits} "${file}"
    OUTPUT_FILE "${staged}/pages/${directory}/${name}" COMMAND_ERROR_IS_FATAL ANY)
  onhook_package("share/doc/onhook/${directory}" "${staged}/pages/${directory}/${name}")
endfunction()

# SOURCE_DATE_EPOCH decides, if it is set.
string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file("${package}/changelog.in" "${staged}/changelog" @ONLY)
onhook_staged_gzip("${staged}/changelog" changelog)
onhook_staged_gzip("${package}/onhook.1" onhook.1)
onhook_staged_gzip("${package}/onhookd.8" onhookd.8)

install(TARGETS onhookd onhook_cli RUNTIME DESTINATION bin COMPONENT onhook_package)
onhook_package(/etc/onhook "${package}/onhook.yaml")
# Debian 12's tools look for units here, and not under /usr.
onhook_package(/lib/systemd/system "${systemd}/onhookd.service")
install(FILES "${systemd}/onhook.sysusers" DESTINATION lib/sysusers.d RENAME onhook.conf COMPONENT onhook_package)
install(FILES "${systemd}/onhook.tmpfiles" DESTINATION lib/tmpfiles.d RENAME onhook.conf COMPONENT onhook_package)
onhook_package(share/man/man1 "${staged}/onhook.1.gz")
onhook_package(share/man/man8 "${staged}/onhookd.8.gz")
install(FILES "${package}/onhook.bash-completion" DESTINATION share/bash-completion/completions RENAME onhook
  COMPONENT onhook_package)
onhook_package(share/doc/onhook "${staged}/changelog.gz" "${package}/copyright")
foreach(page PACKAGE CERTIFICATES CHANGELOG UPGRADING RUNBOOK BACKUP)
  onhook_package_page("" "${CMAKE_SOURCE_DIR}/deploy/${page}.md")
endforeach()
foreach(page config/SETTINGS delivery/ERRORS admin/METRICS store/FAILURES)
  onhook_package_page("" "${CMAKE_SOURCE_DIR}/gateway/${page}.md")
endforeach()
onhook_package_page(ingress "${CMAKE_SOURCE_DIR}/gateway/ingress/REFUSALS.md")
onhook_package_page(http "${CMAKE_SOURCE_DIR}/gateway/http/REFUSALS.md")
onhook_package_page(nats "${CMAKE_SOURCE_DIR}/deploy/nats/README.md")
onhook_package(share/doc/onhook/nats "${CMAKE_SOURCE_DIR}/deploy/nats/nats-server.conf"
  "${CMAKE_SOURCE_DIR}/deploy/nats/nats-server-single.conf")
# What the runbook is about: alerts, and where they are seen.
set(monitoring "${CMAKE_SOURCE_DIR}/deploy/monitoring")
onhook_package_page(monitoring "${monitoring}/README.md")
onhook_package(share/doc/onhook/monitoring "${monitoring}/dashboard.json" "${monitoring}/prometheus-rule.sh")
install(DIRECTORY "${monitoring}/rules" DESTINATION share/doc/onhook/monitoring COMPONENT onhook_package
  FILES_MATCHING PATTERN "*.yaml")
# Editors complete the settings by the schema; other languages' stubs are made of what the gateway speaks.
onhook_package(share/onhook "${CMAKE_SOURCE_DIR}/gateway/config/onhook.schema.json")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/proto/onhook" DESTINATION share/onhook/proto COMPONENT onhook_package
  FILES_MATCHING PATTERN "*.proto")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME onhook)
set(CPACK_PACKAGE_CONTACT "${ONHOOK_PACKAGE_MAINTAINER}")
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};onhook;onhook_package;/")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The vendor's times are read by the zones of tzdata. sysusers makes the user; helpers of Debian's start
# the unit, or leave it alone where an administrator said so.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "tzdata, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_PREDEPENDS "init-system-helpers (>= 1.54~)")
# onhook --tls trusts the authorities of the system.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "gateway for a contact centre's hang-up callbacks
Takes a contact centre's HTTP callbacks that a call was hung up, makes each
one durable, streams it over gRPC to every service that subscribes, and only
then tells the contact centre that it succeeded.
.
This package has the gateway, onhookd, as a service, and its command line,
onhook.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${package}/conffiles;${package}/postinst;${package}/prerm;${package}/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
