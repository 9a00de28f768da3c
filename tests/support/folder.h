#ifndef FOLDER_H
#define FOLDER_H

/* Remove @path and the files in it; it has no folders. */
void folder_remove(const char *path);

#endif
