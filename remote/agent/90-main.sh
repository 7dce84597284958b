verb=$1
shift
I=''
case $verb in
begin | job_start) I=${0%/agent} ;; # these two are run from their payload
esac
case $verb in
begin | apply | settle | expire | boot | confirm | cancel | revert | tidy | status | recorded | job | job_start | job_watch)
	"$verb" "$@"
	;;
*) die 3 E_VERB "$verb" ;;
esac
