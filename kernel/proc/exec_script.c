/*
 * `#!` scripts: execve(2), "Interpreter scripts". The first line names the interpreter and at most
 * one argument, which is all that follows, spaces included.
 */
#include <linux/errno.h>

#include "fs/file.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "proc/exec_impl.h"

static char *skip_blanks(char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* Cuts the first line of the head into interpreter and argument ("" for none). -ENOEXEC. */
static int parse_line(char *head, size_t size, char **interpreter, char **argument)
{
	char *end = memchr(head, '\n', size), *at;

	if (!end) {
		/* Cut off: fine in the argument, but the interpreter's name must be whole. */
		end = head + (size == EXEC_HEAD_SIZE ? size - 1 : size);
		*end = '\0';
		at = skip_blanks(head + 2);
		if (size == EXEC_HEAD_SIZE && !strchr(at, ' ') && !strchr(at, '\t'))
			return -ENOEXEC;
	}
	*end = '\0';
	while (end > head + 2 && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	*interpreter = skip_blanks(head + 2);
	if (!**interpreter)
		return -ENOEXEC;
	at = *interpreter;
	while (*at && *at != ' ' && *at != '\t')
		at++;
	*argument = at;
	if (*at) {
		*at = '\0';
		*argument = skip_blanks(at + 1);
	}
	return 0;
}

int exec_load_script(struct exec *exec, const struct walk_from *from)
{
	char line[EXEC_HEAD_SIZE + 1], *interpreter, *argument;
	struct file *file;
	int err;

	if (exec->head_size < 2 || exec->head[0] != '#' || exec->head[1] != '!')
		return -ENOEXEC;
	memcpy(line, exec->head, exec->head_size);
	line[exec->head_size] = '\0';
	err = parse_line(line, exec->head_size, &interpreter, &argument);
	if (err)
		return err;
	if (exec->is_hidden)
		return -ENOENT;
	exec_args_drop_first(&exec->args);
	err = exec_args_push(&exec->args, *exec->script_name ? exec->script_name : exec->name);
	if (!err && *argument)
		err = exec_args_push(&exec->args, argument);
	if (!err)
		err = exec_args_push(&exec->args, interpreter);
	if (!err)
		err = file_open_exec(from, interpreter, LOOKUP_FOLLOW, &file);
	if (err)
		return err;
	file_put(exec->file);
	exec->file = file;
	/* A script that is itself an interpreter is passed on by the name that the line gave it. */
	(void)str_copy(exec->script_name, interpreter, sizeof(exec->script_name));
	return 0;
}
