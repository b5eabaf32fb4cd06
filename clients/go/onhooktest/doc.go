// Package onhooktest helps to test what uses package onhook, without a gateway.
//
// [Handle] calls a handler with one event and tells what would become of it. [Gateway] is a gateway in
// this process for everything else: it delivers what is published, keeps what it is told, and misbehaves
// when asked to.
package onhooktest
