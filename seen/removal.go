package seen

import (
	"strings"

	"postern/remote"
)

// Removal is the command that takes a rule of iptables away which is foreign: neither ufw's nor ours nor Docker's. The rule is as a Fate
// has it, of a table (see TableOf), for a packet of one family. The command is "" where a shell would make something else of it.
func Removal(rule, table string, six bool) (command string, foreign bool) {
	tool := "iptables"
	if six {
		tool = "ip6tables"
	}
	if set, rest, apart := strings.Cut(rule, ": "); apart && strings.HasPrefix(set, "iptables-") { // such as iptables-legacy
		tool, rule = strings.Replace(set, "iptables", tool, 1), rest
	}
	spec, is := strings.CutPrefix(rule, "-A ")
	if chain, _, _ := strings.Cut(spec, " "); !is || strings.HasPrefix(chain, "ufw") || strings.HasPrefix(chain, "postern") || strings.HasPrefix(chain, "DOCKER") && chain != "DOCKER-USER" {
		return "", false
	}
	if table != "filter" && table != "" {
		tool += " -t " + table
	}
	return Typed(tool + " -D " + spec), true
}

// Typed is a command to copy that was made of what a host told; "" where a shell would make something else of it than its words.
func Typed(command string) string {
	if remote.Clean(command).Line(220) != command || strings.ContainsAny(command, "`$;&|<>()\\'") || strings.Count(command, `"`)%2 != 0 {
		return ""
	}
	return command
}
