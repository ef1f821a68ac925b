// Package fetch requests many URLs, one a line, and writes a line of JSON for
// each. It is what "mien fetch" does, without flags and texts.
//
// # What counts as finished
//
// The output is the only truth: an input line is finished when a whole line of
// the output, its line break included, carries its number. A body is written
// under another name, whole, and renamed before its result is written. So after
// a kill at any moment the output ends in whole lines, but for the last one, which
// a resumed run cuts off; it requests what is not there, and nothing else.
//
// The state beside it is small and does not grow: which input and output belong
// together, who works on them now (a lock that the system takes back from the
// dead), and a mark, see [Options.State].
//
// # Memory
//
// It does not grow with the input. Lines are read while there is room for them,
// results are written as they come. Only a resumed run has a byte for each line
// that is finished, and lets go of them as it passes.
package fetch
