package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// yamlKeys reads the keys and values of a plain YAML file: "builds[].goos" has linux, darwin … It knows maps, lists and
// scalars by indentation, which is all that the release file uses; anything else is an error.
func yamlKeys(t *testing.T, text string) map[string][]string {
	t.Helper()
	type level struct {
		indent int
		path   string
	}
	found := map[string][]string{}
	levels := []level{{-1, ""}}
	pair := regexp.MustCompile(`^([a-z_0-9]+):(?: (.*))?$`)
	for i, line := range strings.Split(text, "\n") {
		body := strings.TrimLeft(line, " ")
		if body == "" || strings.HasPrefix(body, "#") {
			continue
		}
		indent := len(line) - len(body)
		item, isItem := strings.CutPrefix(body, "- ")
		for levels[len(levels)-1].indent >= indent {
			levels = levels[:len(levels)-1]
		}
		path := levels[len(levels)-1].path
		if isItem {
			if !strings.HasSuffix(path, "[]") {
				path += "[]"
			}
			levels = append(levels, level{indent, path})
			indent, body = indent+2, item
		}
		m := pair.FindStringSubmatch(body)
		switch {
		case m != nil:
			key := strings.TrimPrefix(path+"."+m[1], ".")
			found[key] = append(found[key], strings.Trim(m[2], `"`))
			levels = append(levels, level{indent, key})
		case isItem:
			found[path] = append(found[path], strings.Trim(body, `"`))
		default:
			t.Fatalf("goreleaser.yaml:%d: %q is neither a key nor an item", i+1, line)
		}
	}
	return found
}

// releaseKeys are the keys of goreleaser's version 2 format that we use; it refuses a file with others.
var releaseKeys = strings.Fields(`version project_name before before.hooks before.hooks[] builds builds[].id builds[].main
	builds[].binary builds[].env builds[].env[] builds[].flags builds[].flags[] builds[].ldflags builds[].ldflags[]
	builds[].mod_timestamp builds[].goos builds[].goos[] builds[].goarch builds[].goarch[] archives archives[].id
	archives[].formats archives[].formats[] archives[].format_overrides archives[].format_overrides[].goos
	archives[].format_overrides[].formats archives[].format_overrides[].formats[] archives[].name_template archives[].files
	archives[].files[] checksum checksum.name_template checksum.algorithm snapshot snapshot.version_template changelog
	changelog.sort release release.github release.github.owner release.github.name release.draft`)

func TestReleaseFile(t *testing.T) {
	text, err := os.ReadFile(top + "/goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	keys := yamlKeys(t, string(text))
	for key := range keys {
		if !slices.Contains(releaseKeys, key) {
			t.Errorf("goreleaser does not know the key %s", key)
		}
	}
	for key, want := range map[string]string{
		"version": "2", "builds[].main": "./cmd/postern", "builds[].env[]": "CGO_ENABLED=0", "builds[].flags[]": "-trimpath",
		"builds[].goos[]": "linux darwin freebsd windows", "builds[].goarch[]": "amd64 arm64", "archives[].files[]": "LICENSE README.md docs/*.md",
	} {
		if got := strings.Join(keys[key], " "); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if ldflags := strings.Join(keys["builds[].ldflags[]"], " "); !strings.Contains(ldflags, "-X main.version=") {
		t.Errorf("the release does not set main.version: %q", ldflags)
	}
	for _, file := range []string{"LICENSE", "README.md"} {
		if _, err := os.Stat(top + "/" + file); err != nil {
			t.Errorf("an archive holds %s: %v", file, err)
		}
	}
}

func TestBuildsElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("building for other systems takes a minute; make cross builds them all")
	}
	for _, system := range []string{"freebsd", "windows"} {
		cmd := exec.Command("go", "build", "-o", os.DevNull, ".")
		cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", system, err, out)
		}
	}
}
