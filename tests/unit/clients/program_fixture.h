#ifndef ONHOOK_TESTS_UNIT_CLIENTS_PROGRAM_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_PROGRAM_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "clients/cli/program.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::cli {

// Runs the program in a thread against a fake gateway and collects what it prints.
class ProgramFixture : public ::testing::Test {
 protected:
  ~ProgramFixture() override {
    if (thread_.joinable()) thread_.join();
  }
  void Start(std::vector<std::string> arguments) {
    arguments.push_back("--server=" + gateway_.address());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    thread_ = std::thread([this, arguments] { code_ = RunProgram(arguments); });
  }
  // Waits for the end; returns the exit code.
  int End() {
    thread_.join();
    output_ = testing::internal::GetCapturedStdout();
    said_ = testing::internal::GetCapturedStderr();
    return code_;
  }
  int Run(const std::vector<std::string>& arguments) {
    Start(arguments);
    return End();
  }

  client::FakeGateway gateway_;
  std::thread thread_;
  int code_ = -1;
  std::string output_;
  std::string said_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_PROGRAM_FIXTURE_H_
