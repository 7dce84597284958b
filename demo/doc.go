// Package demo is two simulated hosts inside the program, a public proxy and a mail server behind NAT, for the driver of
// package run. Their files are what plans wrote, what runs there follows from the files, and what they answer is computed from
// both. It knows how hosts behave; it refuses to know what is wanted of them, and to read or write anything outside itself:
// no file, no process, no socket.
package demo
