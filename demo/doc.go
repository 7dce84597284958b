// Package demo is two simulated hosts inside the program: a public proxy and a mail server behind NAT, with a POSIX shell
// each, an in-memory file system, and small models of what runs on such hosts, so that the very scripts of remote run on
// them. It knows how hosts behave; it refuses to know what is wanted of them, and to read or write anything outside itself:
// no file, no process, no socket.
package demo
