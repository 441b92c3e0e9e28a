/*
 * true.c - a program that ends at once: what the rows about exec run. Linked statically with the
 * system's own C library, it does at its start what any program does.
 */
int main(void)
{
	return 0;
}
