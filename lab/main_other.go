//go:build !linux

package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Fprintf(os.Stderr, "lab: this is %s, and the lab boots hosts with Linux namespaces: run it as root on Debian\n", runtime.GOOS)
	os.Exit(1)
}
