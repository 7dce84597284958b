// Package agent is what a host runs of Postern: POSIX sh that guards a change and takes it back when nobody is there any more.
// What is one system's own stands in one file; it knows files, locks and init, and refuses to know what a change is for.
package agent

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.sh
var files embed.FS

// System is the file of one kind of system, by what its uname says: the functions that all others call. Where there is none it is
// Linux's, which then tells what the host lacks.
func System(uname string) string {
	text, err := files.ReadFile(strings.ToLower(uname) + ".sh")
	if err != nil {
		text, _ = files.ReadFile("linux.sh")
	}
	return string(text)
}

// Text is the agent for one kind of system whole. It wants D, its folder, and ETC, where the guard of a boot goes.
func Text(uname string) string {
	names, _ := fs.Glob(files, "[0-9]*.sh")
	var b strings.Builder
	for i, name := range names {
		text, _ := files.ReadFile(name)
		b.Write(text)
		if i == 0 { // the head says what goes for all
			b.WriteString(System(uname))
		}
	}
	return b.String()
}
