package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"postern/checks"
)

// The words of JUnit's XML, as CI systems read them: a check that failed is a failure, one that could not be asked is an
// error, a skipped one is skipped, and a warning passes with its words beside it.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		Failure *junitReason `xml:"failure,omitempty"`
		Error   *junitReason `xml:"error,omitempty"`
		Skipped *junitReason `xml:"skipped,omitempty"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func junit(results []checks.Result) junitSuites {
	suite := junitSuite{Name: "postern check", Tests: len(results), Cases: []junitCase{}}
	for _, r := range results {
		one := junitCase{Name: r.ID + " from " + r.From, Class: "postern." + r.Step, Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
		reason := &junitReason{Message: legal(r.Saw.Line(200)), Text: legal(details(r))}
		switch r.Outcome {
		case checks.Fail:
			one.Failure = reason
			suite.Failures++
		case checks.Unknown:
			one.Error = reason
			suite.Errors++
		case checks.Skip:
			one.Skipped = reason
			suite.Skipped++
		default:
			one.Out = legal(details(r))
		}
		suite.Cases = append(suite.Cases, one)
	}
	return junitSuites{Suites: []junitSuite{suite}}
}

func details(r checks.Result) string {
	var b strings.Builder
	for _, row := range [][2]string{{"result", string(r.Outcome)}, {"saw", r.Saw.String()}, {"want", r.Want},
		{"likely", r.Likely}, {"fix", r.Fix}, {"evidence", r.Evidence.String()}} {
		if row[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", row[0], row[1])
		}
	}
	return b.String()
}

// legal drops what XML 1.0 cannot carry.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
}

// writeJUnit writes the results for a CI system to read, whole or not at all.
func writeJUnit(path string, results []checks.Result) error {
	text, err := xml.MarshalIndent(junit(results), "", "  ")
	if err == nil {
		err = whole(path, append([]byte(xml.Header), append(text, '\n')...), 0o644)
	}
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}
