package main

import (
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
)

// ofKind gives args a kind chosen at run time.
type ofKind struct{ kind string }

func (k ofKind) Kind() string         { return k.kind }
func (k *ofKind) setKind(kind string) { k.kind = kind }

// typedArgs are args that Go itself encodes, as a Go program's own are.
type typedArgs interface {
	river.JobArgs
	setKind(kind string)
}

type flatArgs struct {
	ofKind
	CustomerID string `json:"customer_id" river:"unique"`
	Batch      int64  `json:"batch" river:"unique"`
	TraceID    string `json:"trace_id"`
}

type address struct {
	Street string `json:"street"`
	City   string `json:"city" river:"unique"`
}

// nestedArgs selects inside an object.
type nestedArgs struct {
	ofKind
	Customer struct {
		ID   string `json:"id" river:"unique"`
		Name string `json:"name"`
	} `json:"customer"`
	Note string `json:"note"`
}

type size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// wholeObjectArgs selects an object with all that is in it.
type wholeObjectArgs struct {
	ofKind
	Size size   `json:"size" river:"unique"`
	Note string `json:"note"`
}

// twoLevelArgs selects at three depths; the tag on Customer yields to those inside.
type twoLevelArgs struct {
	ofKind
	Batch    int `json:"batch" river:"unique"`
	Customer struct {
		ID      string  `json:"id" river:"unique"`
		Address address `json:"address"`
	} `json:"customer" river:"unique"`
}

// dottedArgs has keys that look like paths.
type dottedArgs struct {
	ofKind
	Dotted string `json:"customer.id" river:"unique"`
	Colon  string `json:":first" river:"unique"`
	Plain  struct {
		ID string `json:"id" river:"unique"`
	} `json:"customer"`
}

// escapedArgs has keys, and takes values, that Go's encoder escapes.
type escapedArgs struct {
	ofKind
	Angle  string `json:"<key>" river:"unique"`
	Accent string `json:"<clé>" river:"unique"`
	Other  string `json:"other"`
}

// absentArgs leaves out what is nil or empty, but for Null.
type absentArgs struct {
	ofKind
	Pointer *address `json:"pointer,omitempty" river:"unique"`
	Text    *string  `json:"text,omitempty" river:"unique"`
	Empty   string   `json:"empty,omitempty" river:"unique"`
	Null    *string  `json:"null" river:"unique"`
}

// digitsArgs selects a key made of digits first.
type digitsArgs struct {
	ofKind
	First string `json:"0" river:"unique"`
	Other string `json:"other"`
}

// sameTypeArgs has one struct type twice, which River follows only once.
type sameTypeArgs struct {
	ofKind
	Billing  address `json:"billing"`
	Shipping address `json:"shipping"`
}

// Shared is embedded, so its keys are those of the args themselves.
type Shared struct {
	TenantID string `json:"tenant_id" river:"unique"`
	Region   string `json:"region"`
}

type embeddedArgs struct {
	ofKind
	Shared
	Name string `json:"name"`
}

// untaggedArgs count whole.
type untaggedArgs struct {
	ofKind
	Zebra string         `json:"zebra"`
	Apple map[string]any `json:"apple"`
	Ratio float64        `json:"ratio"`
}

// typedArgsByName are the types that insertTyped knows.
var typedArgsByName = map[string]func() typedArgs{
	"flat":        func() typedArgs { return &flatArgs{} },
	"nested":      func() typedArgs { return &nestedArgs{} },
	"wholeObject": func() typedArgs { return &wholeObjectArgs{} },
	"twoLevels":   func() typedArgs { return &twoLevelArgs{} },
	"dotted":      func() typedArgs { return &dottedArgs{} },
	"escaped":     func() typedArgs { return &escapedArgs{} },
	"absent":      func() typedArgs { return &absentArgs{} },
	"digits":      func() typedArgs { return &digitsArgs{} },
	"sameType":    func() typedArgs { return &sameTypeArgs{} },
	"embedded":    func() typedArgs { return &embeddedArgs{} },
	"untagged":    func() typedArgs { return &untaggedArgs{} },
}

// typed reads JSON text into args of the named type.
func typed(name, kind, encoded string) (river.JobArgs, error) {
	newArgs, known := typedArgsByName[name]
	if !known {
		return nil, fmt.Errorf("unknown type %q", name)
	}

	args := newArgs()
	if err := json.Unmarshal([]byte(encoded), args); err != nil {
		return nil, err
	}
	args.setKind(kind)
	return args, nil
}
