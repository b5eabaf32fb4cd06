#ifndef ONHOOK_GATEWAY_HTTP_REFUSAL_H_
#define ONHOOK_GATEWAY_HTTP_REFUSAL_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhook {

// Why a request is not served. All three parts are constants, so that nothing a client sent can
// come back through them, neither in an answer nor in a metric.
struct Refusal {
  int status = 0;            // of the answer; 0: nobody is there whom one would reach
  absl::string_view label;   // names it in metrics: a few lower-case words joined by '_'
  absl::string_view reason;  // one sentence for the sender
};

// Every refusal that the HTTP server decides by itself. Each one is answered, but for those of
// handshakes, and then the connection closes, since where the next request would begin can no
// longer be trusted. REFUSALS.md is the same as a document.
namespace refusals {

// The request line.
inline constexpr Refusal kTls{400, "tls", "this port speaks HTTP, not TLS"};
inline constexpr Refusal kRequestLine{400, "request_line", "the request line is malformed"};
inline constexpr Refusal kRequestLineTooLong{414, "request_line_too_long",
                                             "the request line is too long"};
inline constexpr Refusal kEmptyLines{400, "empty_lines", "the request begins with empty lines"};
inline constexpr Refusal kMethodMalformed{400, "method_malformed", "the method is malformed"};
inline constexpr Refusal kMethodUnknown{501, "method_unknown", "the method is not known here"};
inline constexpr Refusal kTarget{400, "target", "the request target is malformed"};
inline constexpr Refusal kVersionMalformed{400, "version_malformed",
                                           "the HTTP version is malformed"};
inline constexpr Refusal kVersionUnknown{505, "version_unknown",
                                         "only HTTP/1.1 and HTTP/1.0 are spoken here"};

// The headers as such.
inline constexpr Refusal kLineEnd{400, "line_end", "a line ends without CR"};
inline constexpr Refusal kCarriageReturn{400, "carriage_return", "a CR stands inside a line"};
inline constexpr Refusal kHeaderFolded{400, "header_folded", "a header is folded"};
inline constexpr Refusal kHeaderColon{400, "header_colon", "a header has no colon"};
inline constexpr Refusal kHeaderName{400, "header_name", "a header's name is malformed"};
inline constexpr Refusal kHeaderControl{400, "header_control",
                                        "a header holds a control character"};
inline constexpr Refusal kHeaderTooLong{431, "header_too_long", "a header is too long"};
inline constexpr Refusal kTooManyHeaders{431, "too_many_headers", "there are too many headers"};
inline constexpr Refusal kHeadTooLong{431, "head_too_long", "the headers are too long"};

// What single headers say.
inline constexpr Refusal kHostMissing{400, "host_missing", "the Host is missing"};
inline constexpr Refusal kHostRepeated{400, "host_repeated", "there is more than one Host"};
inline constexpr Refusal kHostMalformed{400, "host_malformed", "the Host is malformed"};
inline constexpr Refusal kContentEncoding{415, "content_encoding",
                                          "no Content-Encoding is accepted"};
inline constexpr Refusal kMultipart{415, "multipart", "no multipart body is accepted"};
inline constexpr Refusal kExpectation{417, "expectation", "only 100-continue can be expected"};
inline constexpr Refusal kRange{400, "range", "a Range has no meaning with a body"};

// How long the body is.
inline constexpr Refusal kLengthMissing{411, "length_missing", "the length of the body is missing"};
inline constexpr Refusal kLengthRepeated{400, "length_repeated",
                                         "there is more than one Content-Length"};
inline constexpr Refusal kLengthMalformed{400, "length_malformed",
                                          "the Content-Length is malformed"};
inline constexpr Refusal kLengthAndChunked{
    400, "length_and_chunked", "Content-Length and Transfer-Encoding exclude each other"};
inline constexpr Refusal kTransferEncodingRepeated{400, "transfer_encoding_repeated",
                                                   "there is more than one Transfer-Encoding"};
inline constexpr Refusal kTransferEncodingOld{400, "transfer_encoding_old",
                                              "HTTP/1.0 has no Transfer-Encoding"};
inline constexpr Refusal kTransferEncodingUnknown{
    501, "transfer_encoding_unknown", "the only Transfer-Encoding known here is chunked"};
inline constexpr Refusal kBodyTooLong{413, "body_too_long", "the body is too long"};

// Chunks.
inline constexpr Refusal kChunkSize{400, "chunk_size", "a chunk's size is malformed"};
inline constexpr Refusal kChunkSizeDigits{400, "chunk_size_digits",
                                          "a chunk's size has too many digits"};
inline constexpr Refusal kChunkLine{400, "chunk_line", "a chunk's line is malformed"};
inline constexpr Refusal kChunkControl{400, "chunk_control",
                                       "a chunk's line holds a control character"};
inline constexpr Refusal kChunkFraming{431, "chunk_framing",
                                       "there is too much around the chunks of the body"};

// Time, and the server's own state.
inline constexpr Refusal kTooSlow{408, "too_slow", "the request came too slowly"};
inline constexpr Refusal kEndsEarly{400, "ends_early", "the request ends early"};
inline constexpr Refusal kTooManyConnections{503, "too_many_connections",
                                             "there are too many connections"};
inline constexpr Refusal kException{500, "exception", "the request could not be processed"};

// Of a port with TLS. What is no TLS is answered as it came, in clear.
inline constexpr Refusal kPlainHttp{400, "plain_http", "this port speaks HTTPS, not HTTP"};
inline constexpr Refusal kTlsVersion{0, "tls_version",
                                     "the client speaks no version of TLS that is taken here"};
inline constexpr Refusal kTlsClientCertificate{
    0, "tls_client_certificate", "the client shows no certificate that is taken here"};
inline constexpr Refusal kTlsNotTrusted{0, "tls_not_trusted",
                                        "the client does not take this port's certificate"};
inline constexpr Refusal kTlsHandshake{0, "tls_handshake", "the TLS handshake came to no good end"};

}  // namespace refusals

// All of them, each once, in the order above.
absl::Span<const Refusal> AllRefusals();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_REFUSAL_H_
