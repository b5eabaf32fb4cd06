#include "tests/simulation/simulated_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

absl::string_view NameOf(SimulatedFile::Cut cut) {
  switch (cut) {
    case SimulatedFile::Cut::kLosesAll:
      return "loses all";
    case SimulatedFile::Cut::kKeepsAll:
      return "keeps all";
    case SimulatedFile::Cut::kKeepsFirst:
      return "keeps the first";
    case SimulatedFile::Cut::kKeepsSome:
      return "keeps some";
    case SimulatedFile::Cut::kTears:
      return "tears";
  }
  return "";
}

}  // namespace

// ----------------------------------------------------------------------------------------- a file

void SimulatedFile::Apply(const Change& change, std::string& content) {
  if (change.truncates) {
    content.resize(change.offset);
    return;
  }
  if (content.size() < change.offset + change.bytes.size()) {
    content.resize(change.offset + change.bytes.size());
  }
  std::copy(change.bytes.begin(), change.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void SimulatedFile::Tear(const Change& change, size_t sector, SimulationRandom& random,
                         std::string& content) {
  size_t begin = 0;
  while (begin < change.bytes.size()) {
    const size_t end = std::min(((change.offset + begin) / sector + 1) * sector - change.offset,
                                change.bytes.size());
    if (random.OneIn(2)) {
      Apply({false, change.offset + begin, change.bytes.substr(begin, end - begin)}, content);
    }
    begin = end;
  }
}

void SimulatedFile::Write(size_t offset, absl::string_view bytes) {
  unsynced_.push_back({false, offset, std::string(bytes)});
  Apply(unsynced_.back(), seen_);
}

void SimulatedFile::Truncate(size_t size) {
  unsynced_.push_back({true, size, ""});
  Apply(unsynced_.back(), seen_);
}

void SimulatedFile::Sync() {
  for (const Change& change : unsynced_) Apply(change, durable_);
  unsynced_.clear();
}

void SimulatedFile::FailSync(SimulationRandom& random) {
  const bool all_lost = random.OneIn(2);
  for (const Change& change : unsynced_) {
    if (!all_lost && random.OneIn(2)) Apply(change, durable_);
  }
  unsynced_.clear();
}

void SimulatedFile::ForgetSeen() {
  seen_ = durable_;
  for (const Change& change : unsynced_) Apply(change, seen_);
}

void SimulatedFile::WriteBack(SimulationRandom& random) {
  for (const Change& change : unsynced_) {
    if (random.OneIn(2)) Apply(change, durable_);
  }
}

void SimulatedFile::CutPower(Cut cut, SimulationRandom& random) {
  const size_t kept = unsynced_.empty() ? 0 : random.Below(unsynced_.size() + 1);
  const size_t sector = random.OneIn(2) ? 512 : 4096;
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    const Change& change = unsynced_[i];
    switch (cut) {
      case Cut::kLosesAll:
        break;
      case Cut::kKeepsAll:
        Apply(change, durable_);
        break;
      case Cut::kKeepsFirst:
        if (i < kept) Apply(change, durable_);
        break;
      case Cut::kKeepsSome:
        if (random.OneIn(2)) Apply(change, durable_);
        break;
      case Cut::kTears:
        if (!change.truncates) {
          Tear(change, sector, random, durable_);
        } else if (random.OneIn(2)) {
          Apply(change, durable_);
        }
        break;
    }
  }
  unsynced_.clear();
  seen_ = durable_;
}

void SimulatedFile::FlipBit(size_t byte, int bit) {
  for (std::string* content : {&seen_, &durable_}) {
    if (byte < content->size()) (*content)[byte] = static_cast<char>((*content)[byte] ^ (1 << bit));
  }
}

// -------------------------------------------------------------------------------------- directory

void SimulatedFiles::Apply(const NameChange& change,
                           std::map<std::string, SimulatedFilePtr>& files) {
  if (change.file == nullptr) {
    files.erase(change.path);
  } else {
    files[change.path] = change.file;
  }
}

SimulatedFilePtr SimulatedFiles::Find(const std::string& path) const {
  const auto it = seen_.find(path);
  return it == seen_.end() ? nullptr : it->second;
}

SimulatedFilePtr SimulatedFiles::Create(const std::string& path) {
  unsynced_.push_back({path, std::make_shared<SimulatedFile>()});
  Apply(unsynced_.back(), seen_);
  return unsynced_.back().file;
}

void SimulatedFiles::Delete(const std::string& path) {
  unsynced_.push_back({path, nullptr});
  Apply(unsynced_.back(), seen_);
}

void SimulatedFiles::SyncNames() {
  durable_ = seen_;
  unsynced_.clear();
}

std::string SimulatedFiles::CutPower(SimulationRandom& random) {
  std::string words = "names:";
  for (const NameChange& change : unsynced_) {
    const bool kept = random.OneIn(2);
    if (kept) Apply(change, durable_);
    absl::StrAppend(&words, kept ? " kept" : " lost");
  }
  unsynced_.clear();
  seen_ = durable_;
  using Cut = SimulatedFile::Cut;
  for (const auto& [path, file] : seen_) {
    const Cut cut = random.Among({Cut::kLosesAll, Cut::kLosesAll, Cut::kKeepsAll, Cut::kKeepsFirst,
                                  Cut::kKeepsSome, Cut::kTears});
    if (file->has_unsynced()) {
      absl::StrAppend(&words, "; ", path.substr(path.rfind('/') + 1), " ", NameOf(cut));
    }
    file->CutPower(cut, random);
  }
  return words;
}

void SimulatedFiles::WriteBack(SimulationRandom& random) {
  for (const auto& [path, file] : seen_) file->WriteBack(random);
}

}  // namespace onhook
