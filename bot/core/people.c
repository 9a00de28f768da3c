#include "core/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void people_init(struct people *people) {
	*people = (struct people){ 0 };
}

void people_finish(struct people *people) {
	for (size_t i = 0; i < people->count; i++) {
		free(people->persons[i].id);
		free(people->persons[i].name);
	}
	free(people->persons);
	people_init(people);
}

static struct person *find(const struct people *people, const char *id) {
	for (size_t i = 0; i < people->count; i++) {
		if (strcmp(people->persons[i].id, id) == 0) {
			return &people->persons[i];
		}
	}
	return NULL;
}

void people_put(struct people *people, const struct person *person) {
	struct person copy = *person;
	copy.id = xstrdup(person->id);
	copy.name = xstrdup(person->name);
	struct person *slot = find(people, person->id);
	if (slot == NULL) {
		people->persons = xreallocarray(
				people->persons, people->count + 1, sizeof(*people->persons));
		slot = &people->persons[people->count];
		people->count++;
	} else {
		free(slot->id);
		free(slot->name);
	}
	*slot = copy;
}

const struct person *people_by_id(const struct people *people, const char *id) {
	return find(people, id);
}

/* A name that was given up and taken again stands twice until both accounts
 * are read anew: the active one is meant. */
const struct person *people_by_name(
		const struct people *people, const char *name) {
	const struct person *found = NULL;
	for (size_t i = 0; i < people->count; i++) {
		const struct person *person = &people->persons[i];
		if (strcasecmp(person->name, name) == 0 &&
				(found == NULL || (person->active && !found->active))) {
			found = person;
		}
	}
	return found;
}

const char *people_name(const struct people *people, const char *id) {
	const struct person *person = find(people, id);
	return person != NULL ? person->name : id;
}

bool person_counts(const struct person *person) {
	return person->active && person->member && !person->bot && !person->guest;
}
