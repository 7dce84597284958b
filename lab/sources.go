//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
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

// machineSources derives a suite's package sources from this machine's own. It
// gives none when they tell nothing, and mmdebstrap then has its defaults.
func machineSources(suite string) []string {
	var lines []string
	paths, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, p := range append([]string{"/etc/apt/sources.list"}, paths...) {
		b, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		switch {
		case strings.HasSuffix(p, ".sources"):
			lines = append(lines, deb822Sources(string(b), suite)...)
		case strings.HasSuffix(p, ".list"):
			lines = append(lines, listSources(string(b), suite)...)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// debianSuite takes Debian's codenames with what may follow them, so that
// sources of other archives are left out.
var debianSuite = regexp.MustCompile(`^(bullseye|bookworm|trixie|forky|sid)(-updates|-security)?$`)

// listSources reads the one-line form: deb [options] URI SUITE COMPONENT…
func listSources(text, suite string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "deb ["); ok {
			if _, after, ok := strings.Cut(rest, "]"); ok {
				line = "deb " + after
			}
		}
		f := strings.Fields(line)
		if len(f) >= 4 && f[0] == "deb" && slices.Contains(f[3:], "main") {
			lines = append(lines, swapSuite(f[1], f[2], suite)...)
		}
	}
	return lines
}

// deb822Sources reads the form with Types, URIs, Suites and Components.
func deb822Sources(text, suite string) []string {
	var lines []string
	for stanza := range strings.SplitSeq(text, "\n\n") {
		field := map[string][]string{}
		for line := range strings.Lines(stanza) {
			key, value, ok := strings.Cut(line, ":")
			if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, " ") {
				field[strings.ToLower(key)] = strings.Fields(value)
			}
		}
		if !slices.Contains(field["types"], "deb") || !slices.Contains(field["components"], "main") ||
			slices.Equal(field["enabled"], []string{"no"}) {
			continue
		}
		for _, uri := range field["uris"] {
			for _, s := range field["suites"] {
				lines = append(lines, swapSuite(uri, s, suite)...)
			}
		}
	}
	return lines
}

func swapSuite(uri, have, want string) []string {
	m := debianSuite.FindStringSubmatch(have)
	if m == nil {
		return nil
	}
	return []string{"deb " + uri + " " + want + m[2] + " main"}
}
