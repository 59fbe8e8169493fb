// The interop program answers the agreement tests: it does with River's real
// Go client what a test asks for, so that a test can compare it with ours.
//
// It reads one JSON request per line on stdin and writes one JSON response per
// line on stdout. Requests run side by side, so an insert that waits for a
// lock does not hold up the next one; a response names its request by id. It
// ends when stdin does.
package main

import (
	"context"
	"fmt"
	"os"
)

// handlers maps the name of an operation to the code that does it.
var handlers = map[string]handler{
	"connect":       decoding(connect),
	"migrate":       decoding(migrate),
	"params":        decoding(params),
	"insert":        decoding(insert),
	"insertTyped":   decoding(insertTyped),
	"race":          decoding(race),
	"job":           decoding(administer),
	"jobList":       decoding(jobList),
	"jobDeleteMany": decoding(jobDeleteMany),
	"queue":         decoding(administerQueue),
	"queueList":     decoding(queueList),
	"begin":         decoding(begin),
	"end":           decoding(end),
	"work":          decoding(work),
	"worked":        decoding(worked),
	"stopWork":      decoding(stopWork),
}

func main() {
	session := newSession()
	err := serve(context.Background(), session, os.Stdin, os.Stdout)
	session.close()

	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}
