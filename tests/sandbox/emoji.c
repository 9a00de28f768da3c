#include "emoji.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = { "+1", "thumbsup", "-1", "thumbsdown",
	"white_check_mark", "heavy_check_mark", "ballot_box_with_check", "x",
	"no_entry", "no_entry_sign", "ok", "ok_hand", "mattermost", "heart", "eyes",
	"tada", "rocket", "fire", "warning", "rotating_light", "octagonal_sign",
	"stop_sign", "construction", "hourglass", "alarm_clock", "smile", "grin",
	"joy", "slightly_smiling_face", "thinking", "cry", "sob", "rage", "scream",
	"sunglasses", "wave", "clap", "pray", "muscle", "raised_hands",
	"raised_hand", "point_up", "point_right", "v", "crossed_fingers", "100",
	"bug", "wrench", "hammer", "gear", "lock", "unlock", "key", "bell",
	"no_bell", "mega", "pushpin", "paperclip", "memo", "calendar",
	"chart_with_upwards_trend", "package", "mailbox", "email", "phone",
	"computer", "floppy_disk", "cd", "bulb", "battery", "electric_plug",
	"question", "grey_question", "exclamation", "grey_exclamation",
	"interrobang", "bangbang", "zero", "one", "two", "three", "four", "five",
	"six", "seven", "eight", "nine", "keycap_ten", "red_circle",
	"large_blue_circle", "white_circle", "black_circle", "sunny", "cloud",
	"zap", "snowflake", "coffee", "tea", "beer", "pizza", "cake", "apple",
	"banana", "dog", "cat", "mouse", "rabbit", "bear", "pig", "frog", "monkey",
	"penguin", "bird", "turtle", "snake", "whale", "octopus", "bee",
	"grimacing", "stopwatch", "repeat", "arrows_counterclockwise",
	"arrow_forward", "pause_button", "double_vertical_bar", "rewind",
	"leftwards_arrow_with_hook", "back", "end", "soon", "new", "cool", "free",
	"up", "sos", "information_source", "hand", "hand_splayed", "handshake",
	"checkered_flag", "triangular_flag_on_post" };

static const char *const tones[] = { "_light_skin_tone",
	"_medium_light_skin_tone", "_medium_skin_tone", "_medium_dark_skin_tone",
	"_dark_skin_tone" };

static const char *const toned[] = { "+1", "thumbsup", "-1", "thumbsdown",
	"ok_hand", "wave", "clap", "pray", "muscle", "raised_hands", "raised_hand",
	"point_up", "v" };

static bool is_toned(const char *name) {
	for (size_t i = 0; i < sizeof(toned) / sizeof(toned[0]); i++) {
		size_t len = strlen(toned[i]);
		if (strncmp(name, toned[i], len) != 0) {
			continue;
		}
		for (size_t t = 0; t < sizeof(tones) / sizeof(tones[0]); t++) {
			if (strcmp(name + len, tones[t]) == 0) {
				return true;
			}
		}
	}
	return false;
}

bool emoji_is_known(const char *name) {
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return is_toned(name);
}
