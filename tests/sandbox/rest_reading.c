/* Reading posts: one, a page, what changed, a thread, what is pinned. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

#define PER_PAGE      60
#define PER_PAGE_MOST 200
#define SINCE_ROWS    1000

/* A list of posts as it is being collected: newest first. */
struct list {
	struct post **posts;
	size_t count;
	size_t room;
};

static void list_add(struct list *list, struct post *post) {
	if (list->count == list->room) {
		list->room = list->room > 0 ? list->room * 2 : 64;
		list->posts = xreallocarray(
				list->posts, list->room, sizeof(*list->posts));
	}
	list->posts[list->count++] = post;
}

static void list_reverse(struct list *list) {
	for (size_t i = 0; i < list->count / 2; i++) {
		struct post *post = list->posts[i];
		list->posts[i] = list->posts[list->count - 1 - i];
		list->posts[list->count - 1 - i] = post;
	}
}

static int by_id(const void *a, const void *b) {
	const struct post *const *left = a;
	const struct post *const *right = b;
	return strcmp((*left)->id, (*right)->id);
}

static int newest_first(const void *a, const void *b) {
	const struct post *const *left = a;
	const struct post *const *right = b;
	if ((*left)->create_at != (*right)->create_at) {
		return (*left)->create_at > (*right)->create_at ? -1 : 1;
	}
	return strcmp((*left)->id, (*right)->id);
}

/* The map of posts: those listed and the roots of the replies among them. */
static void add_map(struct call *call, const struct list *list, bool roots) {
	struct str *body = &call->answer->body;
	struct list all = { 0 };
	for (size_t i = 0; i < list->count; i++) {
		list_add(&all, list->posts[i]);
		if (roots && list->posts[i]->root != NULL) {
			list_add(&all, list->posts[i]->root);
		}
	}
	if (all.count > 0) {
		qsort(all.posts, all.count, sizeof(*all.posts), by_id);
	}
	json_open(body, "posts", '{');
	for (size_t i = 0; i < all.count; i++) {
		const struct post *post = all.posts[i];
		if (i == 0 || post != all.posts[i - 1]) {
			shape_post(body, post->id, &call->sandbox->world, post,
					&(struct shape_post){ .metadata = METADATA_FULL,
							.reply_count = post->reply_count });
		}
	}
	json_close(body, '}');
	free(all.posts);
}

static void answer_list(struct call *call, const struct list *list, bool roots,
		const char *newer_id, const char *older_id) {
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	json_open(body, "order", '[');
	for (size_t i = 0; i < list->count; i++) {
		json_text(body, NULL, list->posts[i]->id);
	}
	json_close(body, ']');
	add_map(call, list, roots);
	json_text(body, "next_post_id", newer_id);
	json_text(body, "prev_post_id", older_id);
	if (call->sandbox->world.version != VERSION_5_37) {
		json_number(body, "first_inaccessible_post_time", 0);
	}
	json_close(body, '}');
}

/* ---- since ---- */

/*
 * What changed after @since: at most 1000 rows in the order in which they were
 * made, so of more than that the newest are missing, as observed.  Deleted
 * posts and old copies of edited ones are among them.
 */
static void list_since(
		struct call *call, const struct channel *channel, int64_t since) {
	const struct world *world = &call->sandbox->world;
	struct list list = { 0 };
	struct fault fault = faults_on_read(
			&call->sandbox->faults, call->user->username);
	bool stale = fault.kind == FAULT_STALE;
	for (size_t i = 0; i < world->post_count && list.count < SINCE_ROWS; i++) {
		struct post *post = world->posts[i];
		if (post->channel == channel && post->update_at > since && !stale) {
			list_add(&list, post);
		}
	}
	if (list.count > 0) {
		qsort(list.posts, list.count, sizeof(*list.posts), newest_first);
	}
	answer_list(call, &list, false, "", "");
	free(list.posts);
}

/* ---- pages ---- */

static bool is_live(const struct post *post, const struct channel *channel) {
	return post->channel == channel && post->delete_at == 0 &&
			post->original_id[0] == '\0';
}

/* The nearest live post before row @row, or NULL. */
static struct post *older_than(
		const struct world *world, const struct channel *channel, size_t row) {
	while (row-- > 0) {
		if (is_live(world->posts[row], channel)) {
			return world->posts[row];
		}
	}
	return NULL;
}

static struct post *newer_than(
		const struct world *world, const struct channel *channel, size_t row) {
	while (++row < world->post_count) {
		if (is_live(world->posts[row], channel)) {
			return world->posts[row];
		}
	}
	return NULL;
}

struct page {
	size_t number;
	size_t size;
	int64_t as_of; // posts made later are not seen: a stale cache
};

static void list_back(struct call *call, const struct channel *channel,
		size_t row, const struct page *page) {
	const struct world *world = &call->sandbox->world;
	struct list list = { 0 };
	size_t skip = page->number * page->size;
	struct post *newer = NULL;
	struct post *post = older_than(world, channel, row);
	for (; post != NULL && list.count < page->size;
			post = older_than(world, channel, post->row)) {
		if (post->create_at > page->as_of) {
			continue;
		}
		if (skip > 0) {
			newer = post;
			skip--;
		} else {
			list_add(&list, post);
		}
	}
	if (newer == NULL && list.count > 0) {
		newer = newer_than(world, channel, list.posts[0]->row);
	}
	answer_list(call, &list, true, newer != NULL ? newer->id : "",
			post != NULL ? post->id : "");
	free(list.posts);
}

static void list_forward(struct call *call, const struct channel *channel,
		size_t row, const struct page *page) {
	const struct world *world = &call->sandbox->world;
	struct list list = { 0 };
	size_t skip = page->number * page->size;
	struct post *post = newer_than(world, channel, row);
	for (; post != NULL && list.count < page->size;
			post = newer_than(world, channel, post->row)) {
		if (skip > 0) {
			skip--;
		} else {
			list_add(&list, post);
		}
	}
	list_reverse(&list);
	answer_list(call, &list, true, post != NULL ? post->id : "",
			world->posts[row]->id);
	free(list.posts);
}

static bool read_number(struct call *call, const char *key, int64_t *number) {
	char text[32];
	char *end = NULL;
	if (!rest_query(call, key, text, sizeof(text))) {
		return true;
	}
	errno = 0;
	*number = strtoll(text, &end, 10);
	return text[0] != '\0' && *end == '\0' && errno == 0;
}

static struct page read_page(struct call *call) {
	int64_t number = 0;
	int64_t size = PER_PAGE;
	if (!read_number(call, "page", &number) || number < 0) {
		number = 0;
	}
	if (!read_number(call, "per_page", &size) || size <= 0) {
		size = PER_PAGE;
	}
	return (struct page){
		.number = (size_t)number,
		.size = (size_t)(size < PER_PAGE_MOST ? size : PER_PAGE_MOST),
		.as_of = INT64_MAX,
	};
}

/* Only the first page of 30 or 60 is cached, so only it can be stale. */
static void list_page(
		struct call *call, const struct channel *channel, struct page page) {
	if (page.number == 0 && (page.size == 30 || page.size == 60)) {
		struct fault fault = faults_on_read(
				&call->sandbox->faults, call->user->username);
		page.as_of = fault.kind == FAULT_STALE ? fault.since_ms : INT64_MAX;
	}
	list_back(call, channel, call->sandbox->world.post_count, &page);
}

static void channel_posts(struct call *call) {
	char id[ID_ROOM];
	int64_t since = 0;
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel == NULL) {
		return;
	}
	if (!read_number(call, "since", &since)) {
		rest_bad_param(call, "since");
		return;
	}
	struct page page = read_page(call);
	const struct world *world = &call->sandbox->world;
	if (since != 0) {
		list_since(call, channel, since);
	} else if (rest_query(call, "before", id, sizeof(id))) {
		const struct post *border = world_post(world, id);
		list_back(call, channel, border != NULL ? border->row : 0, &page);
	} else if (rest_query(call, "after", id, sizeof(id))) {
		const struct post *border = world_post(world, id);
		if (border == NULL) {
			answer_list(call, &(struct list){ 0 }, false, "", "");
			return;
		}
		list_forward(call, channel, border->row, &page);
	} else {
		list_page(call, channel, page);
	}
}

/* ---- the rest ---- */

static void get_post(struct call *call) {
	struct post *post = rest_post_arg(call, 0);
	if (post != NULL) {
		shape_post(&call->answer->body, NULL, &call->sandbox->world, post,
				&(struct shape_post){ .metadata = METADATA_FULL,
						.reply_count = post->reply_count });
	}
}

/* Root first and then the replies, but not in the order of time: clients must
 * sort.  `direction=up` turns to the newest; `perPage` cuts. */
static void get_thread(struct call *call) {
	struct post *root = rest_post_arg(call, 0);
	if (root == NULL) {
		return;
	}
	const struct world *world = &call->sandbox->world;
	struct list replies = { 0 };
	struct list list = { 0 };
	char direction[8] = "";
	int64_t most = INT64_MAX;
	int64_t from = 0;
	root = root->root != NULL ? root->root : root;
	rest_query(call, "direction", direction, sizeof(direction));
	if (!read_number(call, "perPage", &most) || most <= 0) {
		most = INT64_MAX;
	}
	read_number(call, "fromCreateAt", &from);
	bool up = strcmp(direction, "up") == 0;
	for (size_t i = root->row; i < world->post_count; i++) {
		struct post *post = world->posts[i];
		bool wanted = from == 0 ||
				(up ? post->create_at < from : post->create_at > from);
		if (post->root == root && is_live(post, root->channel) && wanted) {
			list_add(&replies, post);
		}
	}
	bool paged = most != INT64_MAX;
	if (up) {
		list_reverse(&replies);
	}
	list_add(&list, root);
	for (size_t i = 0; i < replies.count && (int64_t)i < most; i++) {
		/* Unpaged: the oldest reply comes last. */
		size_t at = paged ? i : (i + 1) % replies.count;
		list_add(&list, replies.posts[at]);
	}
	answer_list(call, &list, false, "", "");
	free(replies.posts);
	free(list.posts);
}

static void pinned_posts(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel == NULL) {
		return;
	}
	const struct world *world = &call->sandbox->world;
	struct list list = { 0 };
	for (size_t i = 0; i < world->post_count; i++) {
		struct post *post = world->posts[i];
		if (is_live(post, channel) && post->pinned) {
			list_add(&list, post);
		}
	}
	answer_list(call, &list, false, "", "");
	free(list.posts);
}

const struct route rest_reading_routes[] = {
	{ "GET", "/api/v4/channels/*/posts", channel_posts },
	{ "GET", "/api/v4/channels/*/pinned", pinned_posts },
	{ "GET", "/api/v4/posts/*/thread", get_thread },
	{ "GET", "/api/v4/posts/*", get_post },
	{ NULL, NULL, NULL },
};
