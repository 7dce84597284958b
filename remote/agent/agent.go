// Package agent is what a host runs of Postern: POSIX sh that guards a change and takes it back when nobody is there any more.
// What is one system's own stands in one file; it knows files, locks and init, and refuses to know what a change is for.
package agent

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.sh
var files embed.FS

// System is the file of one kind of system, such as linux: the functions that all others call.
func System(name string) string {
	text, err := files.ReadFile(name + ".sh")
	if err != nil {
		panic("agent: no such system: " + name)
	}
	return string(text)
}

// Text is the agent for one kind of system whole. It wants D, its folder, and ETC, where the guard of a boot goes.
func Text(system string) string {
	names, _ := fs.Glob(files, "[0-9]*.sh")
	var b strings.Builder
	for _, name := range slices.Insert(names, 1, system+".sh") {
		text, _ := files.ReadFile(name)
		b.Write(text)
	}
	return b.String()
}
