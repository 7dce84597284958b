// Package remote connects to hosts, reads them, changes them and takes changes back. It knows shells, files, sudo, host
// keys and time; it refuses to know what mail is, or why a change is wanted.
package remote
