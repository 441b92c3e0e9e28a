/*
 * An init that dies of a segmentation fault.
 */
int main(void)
{
	int *volatile nowhere = (int *)8;

	*nowhere = 0;
	return 0;
}
