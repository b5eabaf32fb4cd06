#include "tests/simulation/simulated_gateway.h"

#include <cstdio>
#include <utility>

#include "gateway/store/sqlite/sqlite_storage.h"

namespace onhook {
namespace {

constexpr int kMostSteps = 10'000;

}  // namespace

SimulatedGateway::SimulatedGateway(std::string directory, const EmbeddedStoreOptions& options,
                                   const SimulatedClock* clock, SimulatedDisk* disk,
                                   SimulationTrace* trace, StorageFaults* faults)
    : directory_(std::move(directory)),
      options_(options),
      clock_(clock),
      disk_(disk),
      trace_(trace),
      faults_(faults),
      log_(clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}) {
  options_.by_hand = &work_;
  std::remove((directory_ + "/lock").c_str());  // of another simulation
}

SimulatedGateway::~SimulatedGateway() { Bury(); }

bool SimulatedGateway::Start() {
  ++number_;
  disk_->LayOut(directory_);
  absl::Status status;
  absl::StatusOr<std::unique_ptr<Storage>> storage = SqliteStorage::Open(directory_);
  status = storage.status();
  if (storage.ok()) {
    absl::StatusOr<std::unique_ptr<Store>> store =
        EmbeddedStore::Open(faults_->ApplyTo(*std::move(storage)), v1::DURABILITY_CLASS_DISK,
                            options_, clock_, &log_, [this](const absl::Status& fatal) {
                              trace_->Add("fatal: ", absl::StatusCodeToString(fatal.code()));
                              disk_->Stop();  // a process that is to end answers nothing more
                            });
    status = store.status();
    if (store.ok()) store_ = *std::move(store);
  }
  trace_->Add("gateway ", number_, " starts: ", absl::StatusCodeToString(status.code()));
  return status.ok() && alive();
}

void SimulatedGateway::Work() {
  for (int step = 0; step < kMostSteps && (Commit() || Read()); ++step) {
  }
}

absl::Status SimulatedGateway::Close() {
  const absl::Status status = store_->Close();
  if (alive()) store_.reset();
  return status;
}

void SimulatedGateway::Bury() {
  disk_->Stop();
  store_.reset();
  work_ = StoreWork();
}

}  // namespace onhook
