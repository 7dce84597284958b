package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// learnCmd prints what teaches a shell to complete.
type learnCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the end of the command's help: where the text goes.
func (*learnCmd) Help() string {
	return "bash:  postern completion bash >~/.local/share/bash-completion/completions/postern\n" +
		"zsh:   postern completion zsh >FOLDER/_postern, where FOLDER is in your $fpath\n" +
		"fish:  postern completion fish >~/.config/fish/completions/postern.fish"
}

// learned is what each shell has to know: it asks the program itself, so that it never offers what is not there. Where nothing is
// offered, it is a file.
var learned = map[string]string{
	"bash": `_postern() {
	local word says
	COMPREPLY=()
	while IFS=$'\t' read -r word says; do COMPREPLY+=("$word"); done < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	case ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac
}
complete -o default -F _postern postern
`,
	"zsh": `#compdef postern
_postern() {
	local word says
	local -a offered keys
	while IFS=$'\t' read -r word says; do
		case $word in *=) keys+=("$word") ;; *) offered+=("${word//:/\\:}:$says") ;; esac
	done < <("$words[1]" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( $#offered )); then _describe postern offered; elif (( $#keys )); then compadd -S '' -a keys; else _files; fi
}
if [ "$funcstack[1]" = _postern ]; then _postern "$@"; else compdef _postern postern; fi
`,
	"fish": `function __postern
	set -l words (commandline -opc)
	set -l offered ($words[1] complete -- $words[2..-1] (commandline -ct | string collect -a) 2>/dev/null)
	if count $offered >/dev/null
		printf '%s\n' $offered
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c postern -f -a '(__postern)'
`,
}

// Run prints it.
func (c *learnCmd) Run(_ context.Context, a *app) error { return a.say.raw([]byte(learned[c.Shell])) }

// completeCmd says what the last word may become, a line each with what it means behind a tab.
type completeCmd struct {
	Words []string   `arg:"" optional:"" passthrough:""`
	table *kong.Node // every command, flag and argument there is
}

// Run prints what fits.
func (c *completeCmd) Run(_ context.Context, a *app) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	var b strings.Builder
	for _, o := range offers(c.table, words) {
		says, _, _ := strings.Cut(o[1], ". ")
		b.WriteString(o[0] + "\t" + strings.TrimSuffix(says, ".") + "\n")
	}
	return a.say.raw([]byte(b.String()))
}

// offers are the words that the last one may become, each with what it means: what the command line has room for at that point.
func offers(at *kong.Node, words []string) [][2]string {
	if len(words) == 0 {
		words = []string{""}
	}
	last, flag, placed := words[len(words)-1], (*kong.Flag)(nil), 0
	for _, word := range words[:len(words)-1] {
		switch {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(word, "-"):
			if flag = flagOf(at, word); flag != nil && flag.IsBool() {
				flag = nil
			}
		default:
			child := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == word })
			if child >= 0 {
				at, placed = at.Children[child], 0
			} else {
				placed++
			}
		}
	}
	var list [][2]string
	switch {
	case flag != nil:
		list = values(flag.Value, at)
	case strings.HasPrefix(last, "-"):
		for _, group := range at.AllFlags(true) {
			for _, f := range group {
				list = append(list, [2]string{"--" + f.Name, f.Help})
			}
		}
	case len(at.Children) > 0 && placed == 0:
		list = commands(at)
	case len(at.Positional) > 0:
		list = values(at.Positional[min(placed, len(at.Positional)-1)], at)
	}
	return slices.DeleteFunc(list, func(o [2]string) bool { return !strings.HasPrefix(o[0], last) })
}

// flagOf is a flag of a command, or of all.
func flagOf(at *kong.Node, word string) *kong.Flag {
	for _, group := range at.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name {
				return f
			}
		}
	}
	return nil
}

func commands(of *kong.Node) (list [][2]string) {
	for _, n := range of.Children {
		if !n.Hidden {
			list = append(list, [2]string{n.Name, n.Help})
		}
	}
	return list
}

// values are what a flag or an argument takes, as its tag in the command table says.
func values(v *kong.Value, at *kong.Node) (list [][2]string) {
	if v.Enum != "" {
		for _, word := range v.EnumSlice() {
			list = append(list, [2]string{word, ""})
		}
	}
	for _, kind := range strings.Fields(v.Tag.Get("offers")) {
		switch kind {
		case "commands":
			list = append(list, commands(at.Parent)...)
		case "chapters":
			for _, s := range steps.All() {
				list = append(list, [2]string{s.ID, s.Title})
			}
		case "checks":
			for _, c := range checks.All() {
				list = append(list, [2]string{c.ID, c.Title})
			}
		case "risks":
			list = append(list, [2]string{string(remote.LoseSSH), "you may be cut off"})
		case "hosts":
			for _, h := range site.Default().Hosts {
				list = append(list, [2]string{h.Name, ""})
			}
		case "keys":
			for _, f := range site.Fields(site.Default()) {
				list = append(list, [2]string{f.Key + "=", f.Title})
			}
		case "tasks":
			for _, id := range steps.TaskIDs(site.Default()) {
				list = append(list, [2]string{id, ""})
			}
		case "faults":
			for _, name := range slices.Sorted(maps.Keys(demo.Faults())) {
				list = append(list, [2]string{name, cmp.Or(demo.Faults()[name], name)})
			}
		}
	}
	return list
}
