package seen

import "strings"

// ConfSection is one [Interface] or [Peer] of a wg-quick file, with its lines as they are, comments before it included.
type ConfSection struct {
	Name  string // interface, peer, or "" for what stands before the first
	Lines []string
}

// Get is the value of the first line of that key; keys are lower case.
func (s ConfSection) Get(key string) string {
	for _, line := range s.Lines {
		if k, v := ConfSetting(line); k == key {
			return v
		}
	}
	return ""
}

// All is the values of every line of that key, split at commas.
func (s ConfSection) All(key string) []string {
	var values []string
	for _, line := range s.Lines {
		if k, v := ConfSetting(line); k == key {
			for _, one := range strings.Split(v, ",") {
				values = append(values, strings.TrimSpace(one))
			}
		}
	}
	return values
}

// ConfSetting is a line's key in small letters, and its value.
func ConfSetting(line string) (key, value string) {
	line, _, _ = strings.Cut(line, "#")
	key, value, _ = strings.Cut(line, "=")
	return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
}

// ParseConf divides a wg-quick file into sections; it never fails, and loses no line.
func ParseConf(text string) []ConfSection {
	all := []ConfSection{{}}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		head, _, _ := strings.Cut(line, "#")
		head = strings.ToLower(strings.TrimSpace(head))
		if strings.HasPrefix(head, "[") {
			all = append(all, ConfSection{Name: strings.Trim(head, "[]")})
		}
		last := &all[len(all)-1]
		last.Lines = append(last.Lines, line)
	}
	return all
}
