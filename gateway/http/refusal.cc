#include "gateway/http/refusal.h"

namespace onhook {

absl::Span<const Refusal> AllRefusals() {
  using namespace refusals;  // NOLINT(google-build-using-namespace): the list is all of them
  static constexpr Refusal kAll[] = {
      kTls,
      kRequestLine,
      kRequestLineTooLong,
      kEmptyLines,
      kMethodMalformed,
      kMethodUnknown,
      kTarget,
      kVersionMalformed,
      kVersionUnknown,
      kLineEnd,
      kCarriageReturn,
      kHeaderFolded,
      kHeaderColon,
      kHeaderName,
      kHeaderControl,
      kHeaderTooLong,
      kTooManyHeaders,
      kHeadTooLong,
      kHostMissing,
      kHostRepeated,
      kHostMalformed,
      kContentEncoding,
      kMultipart,
      kExpectation,
      kRange,
      kLengthMissing,
      kLengthRepeated,
      kLengthMalformed,
      kLengthAndChunked,
      kTransferEncodingRepeated,
      kTransferEncodingOld,
      kTransferEncodingUnknown,
      kBodyTooLong,
      kChunkSize,
      kChunkSizeDigits,
      kChunkLine,
      kChunkControl,
      kChunkFraming,
      kTooSlow,
      kEndsEarly,
      kTooManyConnections,
      kException,
      kPlainHttp,
      kTlsVersion,
      kTlsClientCertificate,
      kTlsNotTrusted,
      kTlsHandshake,
  };
  return kAll;
}

}  // namespace onhook
