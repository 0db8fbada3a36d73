// Command install downloads the plugin of an XLA backend. It is what builds
// images, which ought to have theirs before they start:
//
//	go run ./stages/backend/install xla:cpu /usr/local/lib
package main

import (
	"fmt"
	"os"

	"selfstream/stages/backend"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: install xla:cpu|xla:cuda FOLDER")
		os.Exit(2)
	}
	if err := backend.Install(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
}
