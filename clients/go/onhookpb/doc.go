// Package onhookpb is what protoc makes of proto/onhook/v1: the messages and the stubs of the gateway's
// API. Package onhook is built on it.
package onhookpb
