package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/riverqueue/river"
)

// uniqueArgs describes a Go struct whose tags select args for uniqueness.
type uniqueArgs struct {
	Fields []uniqueField `json:"fields"`
}

// uniqueField is one field of it: a plain value, or an object with Fields.
type uniqueField struct {
	// Name is the JSON key, any text without a comma.
	Name string `json:"name"`
	// Unique puts the river:"unique" tag on the field.
	Unique bool          `json:"unique"`
	Fields []uniqueField `json:"fields"`
}

// wrap makes args whose type has the described fields and tags, and whose
// kind and JSON text are those of base. River reads tags from the type alone
// and values from the JSON text, so the fields hold nothing.
//
// Types made by reflection have no methods of their own, but they take over
// those of a struct embedded as their first field.
func (u uniqueArgs) wrap(base RawArgs) (river.JobArgs, error) {
	fields, err := structFields(u.Fields, "")
	if err != nil {
		return nil, err
	}

	embedded := reflect.StructField{Name: "RawArgs", Type: reflect.TypeFor[RawArgs](), Anonymous: true}
	value := reflect.New(reflect.StructOf(append([]reflect.StructField{embedded}, fields...))).Elem()
	value.Field(0).Set(reflect.ValueOf(base))

	return value.Interface().(river.JobArgs), nil
}

func structFields(described []uniqueField, path string) ([]reflect.StructField, error) {
	made := make([]reflect.StructField, 0, len(described))

	for i, field := range described {
		// Go's own tag syntax: a comma ends the name, and without a name the
		// field's name counts.
		if field.Name == "" || strings.Contains(field.Name, ",") {
			return nil, fmt.Errorf("a struct tag cannot name the key %q", field.Name)
		}

		place := path + "/" + strconv.Itoa(i)
		typ := reflect.TypeFor[any]()
		if field.Fields != nil {
			inner, err := structFields(field.Fields, place)
			if err != nil {
				return nil, err
			}
			typ = reflect.StructOf(inner)
		}

		made = append(made, reflect.StructField{
			Name: "F" + strconv.Itoa(i),
			Type: typ,
			Tag:  fieldTag(field, place),
		})
	}

	return made, nil
}

// fieldTag holds, besides the tags that count, the field's place. It keeps
// apart types that look alike: River follows a type it has seen only once.
func fieldTag(field uniqueField, place string) reflect.StructTag {
	tag := "json:" + strconv.Quote(field.Name) + " place:" + strconv.Quote(place)
	if field.Unique {
		tag += ` river:"unique"`
	}
	return reflect.StructTag(tag)
}
