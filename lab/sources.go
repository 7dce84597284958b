//go:build linux

package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

var proxyOption = regexp.MustCompile(`^Acquire::(https?::(.*::)?Proxy|Check-[A-Za-z-]+) "[^"]+";$`)

// aptOptions are the settings without which this machine's apt would not reach
// its sources.
func aptOptions(ctx context.Context) []string {
	out, err := run(ctx, "apt-config", "dump")
	if err != nil {
		return nil
	}
	var opts []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); proxyOption.MatchString(line) {
			opts = append(opts, strings.TrimSuffix(line, ";"))
		}
	}
	return opts
}

// debianSuite takes Debian's codenames with what may follow them, so that
// sources of other archives are left out.
var debianSuite = regexp.MustCompile(`^(bullseye|bookworm|trixie|forky|sid)(-updates|-security)?$`)

// machineSources derives a suite's package sources from this machine's own. It
// gives none when they tell nothing, and mmdebstrap then has its defaults.
func machineSources(ctx context.Context, suite string) []string {
	out, err := run(ctx, "apt-get", "indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
	if err != nil {
		return nil
	}
	return swapSuite(out, suite)
}

// swapSuite makes sources of another suite of lines with URI, suite and component.
func swapSuite(text, suite string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "main" {
			continue
		}
		if m := debianSuite.FindStringSubmatch(f[1]); m != nil {
			lines = append(lines, "deb "+f[0]+" "+suite+m[2]+" main")
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
