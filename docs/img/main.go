// Command img draws a terminal recording (asciicast v2, from standard input) as
// an SVG that plays it once and keeps the last screen.
//
//	go run ./docs/img < docs/img/demo.cast > docs/img/demo.svg
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	speed := flag.Float64("speed", 4, "how many times faster than recorded")
	flag.Parse()
	if *speed <= 0 {
		fmt.Fprintln(os.Stderr, "img: -speed: more than 0")
		os.Exit(2)
	}
	c, err := readCast(os.Stdin)
	var svg string
	if err == nil {
		svg, err = draw(c, *speed)
	}
	if err == nil {
		_, err = os.Stdout.WriteString(svg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "img:", err)
		os.Exit(1)
	}
}
